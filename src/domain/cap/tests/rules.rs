//! Rules beyond the schema: those of the protocol, and those for what is ours.

use super::super::*;
use super::{decimal, found, full, moment};

/// Each rule beyond the schema by an alert that keeps all others.
#[test]
fn rules_beyond_the_schema() {
    type Change = fn(&mut Alert);
    fn area(alert: &mut Alert) -> &mut Area {
        &mut alert.infos[1].areas[0]
    }
    fn polygon(alert: &mut Alert, text: &str) {
        area(alert).polygons = vec![Polygon(text.into())];
    }
    fn circle(alert: &mut Alert, text: &str) {
        area(alert).circles = vec![Circle(text.into())];
    }
    const POLYGON: &str = "/alert/info[2]/area[1]/polygon[1]";
    const CIRCLE: &str = "/alert/info[2]/area[1]/circle[1]";
    let errors: &[(Change, &str, &str)] = &[
        (|alert| alert.identifier = String::new(), "/alert/identifier", "empty"),
        (|alert| alert.identifier = "a b".into(), "/alert/identifier", "characters"),
        (|alert| alert.identifier = "a\u{3000}b".into(), "/alert/identifier", "characters"),
        (|alert| alert.sender = "a,b".into(), "/alert/sender", "characters"),
        (|alert| alert.sender = "a<b".into(), "/alert/sender", "characters"),
        (|alert| alert.sender = "a&b".into(), "/alert/sender", "characters"),
        (|alert| alert.references.clear(), "/alert/references", "references"),
        (
            |alert| (alert.msg_type, alert.references) = (MsgType::Cancel, vec![]),
            "/alert/references",
            "references",
        ),
        (
            |alert| (alert.msg_type, alert.references) = (MsgType::Ack, vec![]),
            "/alert/references",
            "references",
        ),
        (|alert| alert.restriction = None, "/alert/restriction", "restriction"),
        (|alert| alert.restriction = Some(" ".into()), "/alert/restriction", "restriction"),
        (
            |alert| (alert.scope, alert.restriction, alert.addresses) = (Scope::Private, None, None),
            "/alert/addresses",
            "addresses",
        ),
        (|alert| polygon(alert, "1,1 2,2 1,1"), POLYGON, "pairs"),
        (|alert| polygon(alert, ""), POLYGON, "pairs"),
        (|alert| polygon(alert, "1,1 2,2 3,3 1,1.1"), POLYGON, "open"),
        (|alert| polygon(alert, "1,1 2,2 3, 3 1,1"), POLYGON, "pair"),
        (|alert| polygon(alert, "91,1 2,2 3,3 91,1"), POLYGON, "range"),
        (|alert| polygon(alert, "1,1 2,-180.1 3,3 1,1"), POLYGON, "range"),
        (|alert| circle(alert, "1,1"), CIRCLE, "circle"),
        (|alert| circle(alert, "1,1 1 1"), CIRCLE, "circle"),
        (|alert| circle(alert, "1,1 1km"), CIRCLE, "circle"),
        (|alert| circle(alert, "1,1 -0.1"), CIRCLE, "radius"),
        (|alert| circle(alert, "-90.5,1 1"), CIRCLE, "range"),
    ];
    let warnings: &[(Change, &str, &str)] = &[
        (
            |alert| alert.references[0].sent = moment("2027-01-01T00:00:00-00:00"),
            "/alert/references",
            "later",
        ),
        (|alert| alert.scope = Scope::Public, "/alert/restriction", "unrestricted"),
        (|alert| (alert.status, alert.note) = (Status::Exercise, None), "/alert/note", "exercise"),
        (|alert| (alert.msg_type, alert.note) = (MsgType::Error, None), "/alert/note", "why"),
        (|alert| alert.infos.clear(), "/alert/info", "no_info"),
        (|alert| alert.infos[1].event = String::new(), "/alert/info[2]/event", "empty"),
        (
            |alert| {
                (alert.infos[1].expires, alert.infos[1].onset, alert.infos[1].effective) =
                    (Some(alert.sent), None, None);
            },
            "/alert/info[2]/expires",
            "expired",
        ),
        (
            |alert| alert.infos[1].onset = Some(moment("2026-11-28T21:25:01+08:00")),
            "/alert/info[2]/expires",
            "backwards",
        ),
        (|alert| alert.infos[1].web = Some("campus.example".into()), "/alert/info[2]/web", "uri"),
        (
            |alert| alert.infos[1].resources[0].uri = Some("a b".into()),
            "/alert/info[2]/resource[1]/uri",
            "uri",
        ),
        (|alert| area(alert).description = " ".into(), "/alert/info[2]/area[1]/areaDesc", "empty"),
        (|alert| area(alert).altitude = None, "/alert/info[2]/area[1]/ceiling", "ceiling"),
        (|alert| area(alert).ceiling = Some(decimal("99")), "/alert/info[2]/area[1]/ceiling", "ceiling"),
    ];
    for (cases, severity) in [(errors, Severity::Error), (warnings, Severity::Warning)] {
        for (change, at, code) in cases {
            let mut alert = full();
            change(&mut alert);
            let faults = check(&alert);
            assert_eq!(found(&faults), [(*at, *code)]);
            assert_eq!(faults[0].severity, severity, "{code}");
            assert_eq!(read(write(&alert).as_bytes()).is_ok(), severity == Severity::Warning, "{code}");
        }
    }
    let mut alert = full();
    alert.references[0] =
        Reference { sender: alert.sender.clone(), identifier: alert.identifier.clone(), sent: alert.sent };
    assert_eq!(found(&check(&alert)), [("/alert/references", "itself")]);
    alert.references[0].sender = "a b".into();
    assert_eq!(found(&check(&alert)), [("/alert/references", "characters")]);
}

#[test]
fn what_google_asks_of_our_own() {
    let mut alert = full();
    let codes = |alert: &Alert| -> Vec<(String, &str)> {
        lint_google(alert).into_iter().map(|fault| (fault.at, fault.code)).collect()
    };
    let en = &mut alert.infos[1];
    (en.headline, en.description) = (Some("Fire".into()), Some("Fire on floor 3: 1 < 2 & so on; x <".into()));
    en.instruction = Some("Leave.".into());
    alert.infos[0].description = Some("三层起火。".into());
    assert_eq!(codes(&alert), [("/alert/info[1]/area[1]/areaDesc".to_owned(), "html")][..0]);

    alert.infos[1].headline = Some("a".repeat(141));
    alert.infos[1].description = Some("See <b>this</b>".into());
    alert.infos[1].instruction = alert.infos[0].instruction.clone();
    alert.infos[0].event = "Fire&nbsp;alarm".into();
    alert.infos[0].description = alert.infos[0].headline.as_ref().map(|text| format!(" {text}\n"));
    assert_eq!(
        codes(&alert),
        [
            ("/alert/info[1]/headline".to_owned(), "repeats"),
            ("/alert/info[1]/event".to_owned(), "html"),
            ("/alert/info[2]/headline".to_owned(), "too_long"),
            ("/alert/info[2]/description".to_owned(), "html"),
            ("/alert/info[2]/instruction".to_owned(), "same_text"),
        ]
    );
    alert.infos[1].language = Some("ZH-cn".into());
    assert!(codes(&alert).iter().all(|(_, code)| *code != "same_text"), "one language may say it twice");
}
