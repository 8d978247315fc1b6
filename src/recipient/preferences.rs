//! What a person is sent of a message's kind: shown by GET, which changes nothing, and changed by POST, by the page's own
//! buttons or by the one click of a mail program (RFC 8058).

use std::net::IpAddr;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::form::Posted;
use super::page::{Frame, answer, refuse};
use super::reading::{self, Card};
use crate::domain::channel::ChannelKind;
use crate::domain::recipient::OptOut;
use crate::http::client;
use crate::service::Services;
use crate::service::preferences::{self, Breadth, Choice, Link, Preferences, reading as suggesting};
use crate::service::short_links::Purpose;
use crate::{Error, Result};

/// What has just been done.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Done {
    Stopped,
    Resumed,
    /// Suggestions are on, or off.
    Agreed(bool),
    /// Of something else than the message's kind: an opt-out was made, or taken back.
    Followed(OptOut, bool),
}

impl Done {
    /// What is said of it.
    fn said(&self, frame: &Frame) -> String {
        match self {
            Self::Stopped => frame.t("unsubscribe-stopped"),
            Self::Resumed => frame.t("unsubscribe-resumed"),
            Self::Agreed(true) => frame.t("suggest-me-is-on"),
            Self::Agreed(false) => frame.t("suggest-me-is-off"),
            Self::Followed(one, out) => {
                let key = if *out { "suggest-me-stopped" } else { "suggest-me-resumed" };
                frame.t1(key, "topic", &reading::named(frame, one))
            }
        }
    }
}

/// What a form asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wish {
    Turn(Breadth, bool),
    Reading(reading::Wish),
}

#[derive(Debug, Template)]
#[template(path = "recipient/preferences.html")]
struct PreferencesPage {
    frame: Frame,
    topic: String,
    department: Option<String>,
    rows: Vec<Row>,
    /// Opt-outs made elsewhere.
    also: Vec<String>,
    /// Not everything of it arrives as things stand.
    is_out: bool,
    /// What has just been done.
    said: Option<String>,
    /// Suggestions from what they read; none behind a link that may have been shared.
    reading: Option<Card>,
    /// Whether WeChat reaches them, and where a code is shown to scan; none where there is no such account.
    scan: Option<(bool, String)>,
}

/// One thing to choose.
#[derive(Debug)]
struct Row {
    /// As the form says it.
    name: &'static str,
    about: String,
    out: bool,
    /// What most people want.
    main: bool,
}

impl PreferencesPage {
    fn new(frame: Frame, token: &str, found: Preferences, done: Option<&Done>) -> Self {
        let channel = |channel: ChannelKind| frame.t(&format!("channel-{channel}"));
        let about = |breadth| match breadth {
            Breadth::Topic => frame.t1("unsubscribe-topic", "topic", &found.topic),
            Breadth::Channel => frame.t1("unsubscribe-channel", "channel", &channel(found.channel)),
            Breadth::Family => frame.t1("unsubscribe-family", "family", &found.family),
        };
        let row = |choice: &Choice| Row {
            name: choice.breadth.name(),
            about: about(choice.breadth),
            out: choice.out,
            main: choice.breadth == Breadth::Topic,
        };
        let rows: Vec<_> = found.choices.iter().map(row).collect();
        let also: Vec<_> = found.also.iter().map(|one| reading::named(&frame, one)).collect();
        Self {
            is_out: !also.is_empty() || rows.iter().any(|row| row.out),
            scan: found.scene.map(|scene| (scene.bound, frame.on(&format!("/u/{token}/wechat")))),
            said: done.map(|done| done.said(&frame)),
            reading: found.reading.map(|found| Card::new(&frame, found)),
            rows,
            also,
            topic: found.topic,
            department: found.department,
            frame,
        }
    }
}

pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    token: Path<String>,
) -> Result<HttpResponse> {
    page(&request, &s, (Purpose::Preferences, &token), None).await
}

/// As [`show`], behind a link that may have been shared with the page it stands on.
pub(super) async fn show_opt_outs(
    request: HttpRequest,
    s: Data<Services>,
    token: Path<String>,
) -> Result<HttpResponse> {
    page(&request, &s, (Purpose::OptOuts, &token), None).await
}

/// What a mail program posts is done at once and answered without a redirect, as RFC 8058 §3.2 asks; so are the buttons.
pub(super) async fn change(
    request: HttpRequest,
    s: Data<Services>,
    token: Path<String>,
    form: Posted,
) -> Result<HttpResponse> {
    turn(&request, &s, (Purpose::Preferences, &token), &form).await
}

pub(super) async fn change_opt_outs(
    request: HttpRequest,
    s: Data<Services>,
    token: Path<String>,
    form: Posted,
) -> Result<HttpResponse> {
    turn(&request, &s, (Purpose::OptOuts, &token), &form).await
}

async fn turn(
    request: &HttpRequest,
    s: &Data<Services>,
    link: Link<'_>,
    form: &Posted,
) -> Result<HttpResponse> {
    match serve(s, link, client::address(request), wanted(form)?).await {
        Ok(done) => page(request, s, link, done.as_ref()).await,
        Err(error) => refuse(request, s, error),
    }
}

/// Does what somebody asks for. Nothing may come of what an older page suggested.
async fn serve(s: &Services, link: Link<'_>, remote: IpAddr, wish: Wish) -> Result<Option<Done>> {
    Ok(match (wish, link) {
        (Wish::Turn(breadth, out), _) => {
            preferences::change(s, link, remote, breadth, out).await?;
            Some(if out { Done::Stopped } else { Done::Resumed })
        }
        (Wish::Reading(wish), (Purpose::Preferences, token)) => match wish {
            reading::Wish::Agree(on) => {
                suggesting::agree(s, token, remote, on).await?;
                Some(Done::Agreed(on))
            }
            reading::Wish::Follow(one, out) => {
                suggesting::follow(s, token, remote, &one, out).await?.then_some(Done::Followed(one, out))
            }
        },
        (Wish::Reading(_), _) => return Err(unknown_form()),
    })
}

async fn page(
    request: &HttpRequest,
    s: &Data<Services>,
    link: Link<'_>,
    done: Option<&Done>,
) -> Result<HttpResponse> {
    match preferences::show(s, link, client::address(request)).await {
        Ok(found) => {
            let frame = Frame::new(request, s, found.language.as_deref());
            answer(HttpResponse::Ok(), &PreferencesPage::new(frame, link.1, found, done))
        }
        Err(error) => refuse(request, s, error),
    }
}

fn wanted(form: &Posted) -> Result<Wish> {
    if form.is("List-Unsubscribe", "One-Click") {
        return Ok(Wish::Turn(Breadth::Topic, true));
    }
    if let Some(wish) = reading::wanted(form) {
        return Ok(Wish::Reading(wish));
    }
    let breadth = form.text("what").and_then(Breadth::from_name);
    match (breadth, form.text("act")) {
        (Some(breadth), Some("stop")) => Ok(Wish::Turn(breadth, true)),
        (Some(breadth), Some("resume")) => Ok(Wish::Turn(breadth, false)),
        _ => Err(unknown_form()),
    }
}

fn unknown_form() -> Error {
    Error::Malformed(
        "send the form List-Unsubscribe=One-Click (RFC 8058), or one of the page's buttons".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(fields: &[(&str, &str)]) -> Option<(Breadth, bool)> {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        match wanted(&Posted(fields)) {
            Ok(Wish::Turn(breadth, out)) => Some((breadth, out)),
            _ => None,
        }
    }

    #[test]
    fn one_click_is_for_the_topic_and_nothing_less_is_taken_for_it() {
        assert_eq!(asked(&[("List-Unsubscribe", "One-Click")]), Some((Breadth::Topic, true)));
        assert_eq!(asked(&[("list-unsubscribe", "one-click")]), Some((Breadth::Topic, true)));
        assert_eq!(asked(&[("what", "family"), ("act", "stop")]), Some((Breadth::Family, true)));
        assert_eq!(asked(&[("what", "channel"), ("act", "resume")]), Some((Breadth::Channel, false)));
        for wrong in [
            &[][..],
            &[("List-Unsubscribe", "")],
            &[("List-Unsubscribe", "no")],
            &[("what", "topic")],
            &[("act", "stop")],
            &[("what", "everything"), ("act", "stop")],
            &[("what", "topic"), ("act", "toggle")],
        ] {
            assert_eq!(asked(wrong), None, "{wrong:?}");
        }
    }
}
