//! What OASIS CAP 1.2 asks beyond its schema.
//!
//! An error is what makes it uncertain which alert it is, which others it is about, whom it is for, or where: taken on
//! trust, each would have somebody warned wrongly or not at all. Alerts in the shapes of `tests/it/cap/fixtures`, which are
//! those of weather services, have none. A warning is what the text calls a *should*, or what has a plain meaning all the
//! same.

use super::alert::{Alert, Area, Info, Point, Polygon};
use super::fault::{Fault, quoted};
use super::grammar::Faults;
use super::words::{MsgType, Scope, Status};

/// Everything that the schema leaves open and the protocol does not. Times and references cannot be wrong here: their types
/// see to it.
pub fn check(alert: &Alert) -> Vec<Fault> {
    let mut faults = Faults::default();
    name("/alert/identifier", &alert.identifier, &mut faults);
    name("/alert/sender", &alert.sender, &mut faults);
    relations(alert, &mut faults);
    whom(alert, &mut faults);
    let note = alert.note.as_deref().map(str::trim).unwrap_or_default();
    if alert.status == Status::Exercise && note.is_empty() {
        faults.warning("/alert/note", "exercise", "name the exercise that it is part of");
    }
    if alert.msg_type == MsgType::Error && note.is_empty() {
        faults.warning("/alert/note", "why", "say why the alert is refused");
    }
    if alert.infos.is_empty() && matches!(alert.msg_type, MsgType::Alert | MsgType::Update) {
        faults.warning("/alert/info", "no_info", "say what happens");
    }
    for (i, info) in alert.infos.iter().enumerate() {
        let at = format!("/alert/info[{}]", i + 1);
        times(alert, info, &at, &mut faults);
        if info.categories.is_empty() {
            faults.error(format!("{at}/category"), "missing", "name at least one");
        }
        if info.event.trim().is_empty() {
            faults.warning(format!("{at}/event"), "empty", "say what happens in a few words");
        }
        if let Some(web) = &info.web {
            uri(&format!("{at}/web"), web, true, &mut faults);
        }
        for (j, resource) in info.resources.iter().enumerate() {
            if let Some(address) = &resource.uri {
                uri(&format!("{at}/resource[{}]/uri", j + 1), address, false, &mut faults);
            }
        }
        for (j, area) in info.areas.iter().enumerate() {
            place(area, &format!("{at}/area[{}]", j + 1), &mut faults);
        }
    }
    faults.into_vec()
}

/// What `references` of later alerts call it by (§3.2.1).
fn name(at: &str, name: &str, faults: &mut Faults) {
    if name.is_empty() {
        faults.error(at, "empty", "it must not be empty: later alerts refer to it");
    } else if name.contains(|c: char| c.is_whitespace() || matches!(c, ',' | '<' | '&')) {
        let detail = "it must be without white space, comma, `<` and `&`: later alerts refer to it";
        faults.error(at, "characters", detail);
    }
}

/// What it says of other alerts (§3.2.1).
fn relations(alert: &Alert, faults: &mut Faults) {
    let at = "/alert/references";
    if alert.references.is_empty() && alert.msg_type != MsgType::Alert {
        let detail =
            format!("name the alerts that this {} is about, each `sender,identifier,sent`", alert.msg_type);
        faults.error(at, "references", detail);
    }
    for reference in &alert.references {
        name(at, &reference.sender, faults);
        name(at, &reference.identifier, faults);
        if (&reference.sender, &reference.identifier, reference.sent)
            == (&alert.sender, &alert.identifier, alert.sent)
        {
            faults.error(at, "itself", "an alert cannot refer to itself");
        } else if reference.sent.is_after(alert.sent) {
            let detail = format!("{} was sent after this alert", quoted(&reference.identifier));
            faults.warning(at, "later", detail);
        }
    }
}

/// Whom it may be shown to (§3.2.1).
fn whom(alert: &Alert, faults: &mut Faults) {
    let says = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
    match alert.scope {
        Scope::Restricted if !says(&alert.restriction) => {
            faults.error("/alert/restriction", "restriction", "say to whom it is restricted");
        }
        Scope::Public | Scope::Private if alert.restriction.is_some() => {
            let detail = format!("a restriction goes with the scope Restricted, not {}", alert.scope);
            faults.warning("/alert/restriction", "unrestricted", detail);
        }
        _ => {}
    }
    if alert.scope == Scope::Private && !says(&alert.addresses) {
        faults.error("/alert/addresses", "addresses", "say for whom it is");
    }
}

/// When it holds (§3.2.2). A warning that ends before it was sent is what some services call over.
fn times(alert: &Alert, info: &Info, at: &str, faults: &mut Faults) {
    let Some(expires) = info.expires else { return };
    let place = format!("{at}/expires");
    if !expires.is_after(alert.sent) {
        faults.warning(&*place, "expired", "it must come after `sent`");
    }
    for (name, begins) in [("effective", info.effective), ("onset", info.onset)] {
        if begins.is_some_and(|begins| begins.is_after(expires)) {
            faults.warning(&*place, "backwards", format!("it must not come before `{name}`"));
        }
    }
}

/// A URI (RFC 3986), as far as it matters to whoever follows it.
fn uri(at: &str, uri: &str, must_be_absolute: bool, faults: &mut Faults) {
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_absolute = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let has_bad = uri.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"{}|\\^`".contains(c));
    if uri.is_empty() || has_bad || (must_be_absolute && !is_absolute) {
        let kind = if must_be_absolute { "an absolute URI" } else { "a URI" };
        faults.warning(at, "uri", format!("write {kind}, not {}", quoted(uri)));
    }
}

/// Where it is (§3.2.4).
fn place(area: &Area, at: &str, faults: &mut Faults) {
    if area.description.trim().is_empty() {
        faults.warning(format!("{at}/areaDesc"), "empty", "say where it is");
    }
    for (i, polygon) in area.polygons.iter().enumerate() {
        let at = format!("{at}/polygon[{}]", i + 1);
        match polygon.points() {
            Err(piece) => {
                let detail = format!("write pairs `latitude,longitude`, not {}", quoted(piece));
                faults.error(at, "pair", detail);
            }
            Ok(points) => corners(&points, &at, faults),
        }
    }
    for (i, circle) in area.circles.iter().enumerate() {
        let at = format!("{at}/circle[{}]", i + 1);
        let Some((centre, radius)) = circle.parts() else {
            let detail =
                format!("write `latitude,longitude radius` in kilometres, not {}", quoted(&circle.0));
            faults.error(at, "circle", detail);
            continue;
        };
        on_earth(&centre, &at, faults);
        if radius.to_f64() < 0.0 {
            faults.error(at, "radius", "the radius must not be below zero");
        }
    }
    match (&area.altitude, &area.ceiling) {
        (None, Some(_)) => {
            faults.warning(format!("{at}/ceiling"), "ceiling", "a ceiling needs an altitude below it");
        }
        (Some(altitude), Some(ceiling)) if ceiling.to_f64() < altitude.to_f64() => {
            faults.warning(format!("{at}/ceiling"), "ceiling", "it must not be below the altitude");
        }
        _ => {}
    }
}

fn corners(points: &[Point], at: &str, faults: &mut Faults) {
    if points.len() < 4 {
        faults.error(at, "pairs", "a polygon has at least four pairs, the last the same as the first");
    } else if !Polygon::is_closed(points) {
        faults.error(at, "open", "the last pair must be the same as the first");
    }
    if let Some(point) = points.iter().find(|point| !point.is_on_earth()) {
        on_earth(point, at, faults);
    }
}

fn on_earth(point: &Point, at: &str, faults: &mut Faults) {
    if !point.is_on_earth() {
        let found = quoted(&format!("{},{}", point.latitude, point.longitude));
        let detail = format!("{found} is no place: latitude first, within ±90, then longitude, within ±180");
        faults.error(at, "range", detail);
    }
}
