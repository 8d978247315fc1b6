//! The report of a broadcast: what was done and by whom, how fast it was, what came back, and what was learnt. To be read,
//! printed and taken along, when it is over or so far.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use askama::Template;

use super::broadcast::{ActLine, ChannelLine, PartLine, ReasonLine};
use super::line::by;
use super::{Place, href};
use crate::Result;
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::counts::Counts;
use crate::console::form::{FieldFaults, Form};
use crate::console::page::{self, Flash, Shell, Theme, see_other};
use crate::console::table_file;
use crate::console::view::View;
use crate::domain::emergency::{Act, Level, State};
use crate::domain::id::BroadcastId;
use crate::domain::operator::Permission;
use crate::error::Error;
use crate::http::{client, params};
use crate::service::Services;
use crate::service::broadcasts::{self, LONGEST_LESSON, Report};
use crate::service::roll_call::{CountsRow, ViaRow};

#[derive(Debug, Template)]
#[template(path = "console/emergency/report.html")]
pub struct ReportPage {
    pub shell: Shell,
    pub id: BroadcastId,
    pub place: Place,
    pub level: Level,
    pub state: State,
    pub name: String,
    pub by: String,
    pub note: String,
    pub began: Timestamp,
    pub live_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// As whom it is printed, and when.
    pub made_by: String,
    pub made_at: Timestamp,
    pub people: u64,
    pub reached: u64,
    pub times: Vec<TimeLine>,
    pub channels: Vec<ChannelLine>,
    pub sums: Counts,
    /// Whether the sums are people by channels, which they always are once everybody is planned for.
    pub adds_up: bool,
    pub parts: Vec<PartLine>,
    pub reasons: Vec<ReasonLine>,
    pub replies: Option<Replies>,
    pub acts: Vec<ActLine>,
    pub doers: Vec<(String, Vec<String>)>,
    pub following: Vec<(String, String, Timestamp)>,
    pub lessons: Vec<ActLine>,
    pub may_learn: bool,
    /// What was typed, and why it was refused.
    pub typed: String,
    pub fault: Option<String>,
}

impl ReportPage {
    fn base(&self) -> String {
        href(self.id)
    }

    fn at(&self) -> String {
        format!("{}/report", self.base())
    }

    /// Something was called back.
    fn recalls(&self) -> bool {
        self.channels.iter().any(|line| line.recalled() > 0)
    }
}

/// One of the times, as it was measured, beside what is promised.
#[derive(Clone, Debug)]
pub struct TimeLine {
    /// By which the promise is known; empty where nothing is promised.
    pub code: &'static str,
    pub what: String,
    /// None: it did not happen, or not yet.
    pub took: Option<Duration>,
    /// What is promised of it.
    pub target: Option<Duration>,
}

impl TimeLine {
    pub fn is_late(&self) -> bool {
        self.took.zip(self.target).is_some_and(|(took, target)| took > target)
    }
}

/// What people answered.
#[derive(Clone, Debug)]
pub struct Replies {
    pub asked: u64,
    pub safe: u64,
    pub help: u64,
    pub silent: u64,
    pub late: u64,
    /// By each way: safe, and in need of help.
    pub ways: Vec<(String, u64, u64)>,
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

impl Replies {
    fn new(view: &View, counts: CountsRow, rows: &[ViaRow]) -> Self {
        use crate::domain::emergency::Condition;
        let mut ways = BTreeMap::<&str, (u64, u64)>::new();
        for row in rows {
            let way = ways.entry(row.via.name()).or_default();
            match row.condition {
                Condition::Safe => way.0 += count(row.n),
                Condition::Help => way.1 += count(row.n),
            }
        }
        Self {
            asked: count(counts.asked),
            safe: count(counts.safe),
            help: count(counts.help),
            silent: count(counts.asked - counts.safe - counts.help),
            late: rows.iter().map(|row| count(row.late)).sum(),
            ways: ways
                .into_iter()
                .map(|(via, (safe, help))| (view.t(&format!("via-{via}")), safe, help))
                .collect(),
        }
    }
}

/// The times that are promised, in the order of their numbers.
fn times(view: &View, report: &Report) -> Vec<TimeLine> {
    let it = &report.times;
    let seconds = |n: u64| Some(Duration::from_secs(n));
    let did = |wanted: Act| report.acts.iter().any(|done| done.act == wanted);
    let line = |code, key: &str, took, target| TimeLine { code, what: view.t(key), took, target };
    // By the channels, of which a dead one must not keep the others waiting.
    let paces = it.channels.iter().flat_map(|pace| {
        let of = |key: &str, took| {
            let what = view.t1(key, "channel", view.channel_text(pace.channel));
            TimeLine { code: "T4", what, took: Some(took), target: None }
        };
        [of("time-channel-all", pace.all), of("time-channel-standstill", pace.standstill)]
    });
    // Where a second person had to be asked: nothing is promised of people.
    let waited = match (did(Act::Approve), did(Act::Override)) {
        (true, _) => Some("time-decided"),
        (_, true) => Some("time-alone"),
        _ => None,
    };
    let mut lines: Vec<_> = waited.map(|key| line("", key, it.decided, None)).into_iter().collect();
    lines.extend([
        // Not T0, which is promised of the answer: that holds the commit and the way there and back, too.
        line("", "time-kept", it.kept, None),
        line("T1", "time-first-call", it.first_call, seconds(1)),
        line("T2", "time-half", it.half, seconds(15)),
        line("T3", "time-all", it.all, seconds(60)),
    ]);
    lines.extend(paces);
    lines.push(line("T5", "time-stopped", it.stopped, seconds(2)));
    lines.push(line("T5", "time-corrected", it.corrected, seconds(3)));
    lines
}

fn page(s: &Services, signed: &Signed, report: &Report) -> Result<ReportPage> {
    let shell = signed.shell(None)?;
    let view = shell.view.clone();
    let Report { row, acts, progress, following, .. } = report;
    let lines: Vec<_> = acts.iter().map(|act| (act.act, ActLine::new(&view, s, row, act))).collect();
    let mut doers = BTreeMap::<String, Vec<String>>::new();
    for (_, line) in &lines {
        let done = doers.entry(line.by.clone()).or_default();
        if !done.contains(&line.what) {
            done.push(line.what.clone());
        }
    }
    let channels: Vec<_> = progress.channels.iter().map(ChannelLine::from).collect();
    let sums = channels.iter().fold(Counts::default(), |sum, line| sum.plus(&line.counts));
    // What told the silent again is beside people by channels.
    let first: u64 = progress
        .parts
        .iter()
        .filter(|part| part.part != crate::domain::emergency::Part::Escalation && part.part.asks())
        .map(|part| Counts::from(&part.counts.all).planned())
        .sum();
    let people = count(progress.people);
    let lessons = lines.iter().filter(|(act, _)| *act == Act::Learn).map(|(_, line)| line.clone());
    Ok(ReportPage {
        id: row.id,
        place: Place(row.run),
        level: row.level,
        state: row.state,
        name: view.spoken(&row.plan.0.name()),
        by: by(&view, &row.pressed_by),
        note: row.note.clone(),
        began: row.created_at,
        live_at: row.live_at,
        ended_at: row.ended_at,
        made_by: signed.operator.name.clone(),
        made_at: view.now,
        people,
        reached: count(progress.reached),
        times: times(&view, report),
        adds_up: progress.is_planning || first == people * row.plan.0.scenario.channels.len() as u64,
        sums,
        channels,
        parts: progress.parts.iter().map(PartLine::from).collect(),
        reasons: ReasonLine::all(&view, &progress.reasons),
        replies: report.counts.map(|counts| Replies::new(&view, counts, &report.replies)),
        lessons: lessons.collect(),
        acts: lines.iter().map(|(_, line)| line.clone()).collect(),
        doers: doers.into_iter().collect(),
        following: following
            .iter()
            .map(|row| (href(row.id), view.spoken(&row.plan.0.name()), row.live_at.unwrap_or(row.created_at)))
            .collect(),
        may_learn: signed.may(Permission::EmergencyApprove),
        typed: String::new(),
        fault: None,
        shell,
    })
}

async fn load(s: &Services, signed: &Signed, id: &str) -> Result<Report> {
    broadcasts::may_see_any(&signed.caller)?;
    let id: BroadcastId = params::id(id, "broadcast")?;
    broadcasts::report(s, &signed.caller, id).await
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
) -> Result<HttpResponse> {
    let report = load(&s, &signed, &id).await?;
    page::html(&page(&s, &signed, &report)?)
}

/// Keeps what was learnt.
pub(in crate::console) async fn learn(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::EmergencyApprove)?;
    let report = load(&s, &signed, &id).await?;
    let (of, words) = (report.row.id, form.text("reason"));
    let from = Some(client::address(&request));
    match broadcasts::learn(&s, &signed.caller, from, of, words).await {
        Ok(()) => {
            signed.say(&Flash::good(signed.view().t("report-learnt")))?;
            Ok(see_other(&format!("{}/report#lessons", href(of))))
        }
        Err(Error::Invalid(faults)) => {
            let faults = FieldFaults::new(&signed.view(), &faults);
            let mut page = page(&s, &signed, &report)?;
            words.clone_into(&mut page.typed);
            page.fault = faults.of("reason").cloned();
            let response: HttpResponseBuilder = HttpResponse::UnprocessableEntity();
            page::answer(response, &page)
        }
        Err(other) => Err(other),
    }
}

/// The report as a table, a row for each thing that is known.
pub(in crate::console) async fn export(
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    _: Form,
) -> Result<HttpResponse> {
    let report = load(&s, &signed, &id).await?;
    broadcasts::note_report(&s, &signed.caller, report.row.id).await?;
    let page = page(&s, &signed, &report)?;
    let view = page.shell.view.clone();
    let heads = ["report-column-part", "report-column-what", "report-column-value", "report-column-more"];
    let heads = heads.map(|key| view.t(key));
    let text: String =
        rows(&page).iter().map(|row| table_file::row(row.iter().map(String::as_str))).collect();
    let name = format!("{}-report.csv", page.id);
    // It is as long as its log, which is in hand already.
    Ok(table_file::streamed(&name, &heads, Some(text), |text| async move { Ok((text, None)) }))
}

fn rows(page: &ReportPage) -> Vec<[String; 4]> {
    let view = &page.shell.view;
    let mut rows = Vec::new();
    let mut add = |part: &str, what: String, value: String, more: String| {
        rows.push([view.t(part), what, value, more]);
    };
    let at = |at: Option<Timestamp>| at.map(|at| view.exact(at)).unwrap_or_default();
    let nothing = String::new;
    add("report-summary", view.t("report-name"), page.name.clone(), view.t(&page.place.key("run")));
    add("report-summary", view.t("broadcast-began"), at(Some(page.began)), page.by.clone());
    add("report-summary", view.t("broadcast-live-at"), at(page.live_at), nothing());
    add(
        "report-summary",
        view.t("broadcast-ended"),
        at(page.ended_at),
        view.broadcast_state_text(page.state),
    );
    add("report-summary", view.t("report-people"), page.people.to_string(), nothing());
    add("report-summary", view.t("broadcast-reached"), page.reached.to_string(), nothing());
    for time in &page.times {
        let millis = time.took.map(|took| took.as_millis().to_string()).unwrap_or_default();
        let target = time.target.map(|target| view.t1("report-at-most-ms", "n", target.as_millis()));
        let what = view.t1("report-in-ms", "what", format!("{} {}", time.code, time.what).trim_start());
        add("report-times", what, millis, target.unwrap_or_default());
    }
    for line in &page.channels {
        let name = view.channel_text(line.channel);
        for (key, n) in [
            ("broadcast-accepted", line.counts.planned()),
            ("outcome-waiting", line.waiting()),
            ("broadcast-handed", line.handed()),
            ("state-delivered", line.delivered()),
            ("state-failed", line.failed()),
            ("state-unknown", line.unknown()),
            ("broadcast-recalled", line.recalled()),
            ("broadcast-no-address", line.no_address),
            ("broadcast-dropped", line.dropped()),
        ] {
            add("report-channels", name.clone(), n.to_string(), view.t(key));
        }
    }
    for reason in &page.reasons {
        let state = view.state_text(reason.state);
        let name = view.channel_text(reason.channel);
        add("broadcast-reasons", format!("{name} · {state}"), reason.n.to_string(), reason.why.clone());
    }
    if let Some(replies) = &page.replies {
        for (key, n) in [
            ("roll-asked", replies.asked),
            ("roll-list-safe", replies.safe),
            ("roll-list-help", replies.help),
            ("roll-list-silent", replies.silent),
            ("roll-late-short", replies.late),
        ] {
            add("report-replies", view.t(key), n.to_string(), nothing());
        }
        for (way, safe, help) in &replies.ways {
            add("report-replies", view.t("roll-list-safe"), safe.to_string(), way.clone());
            add("report-replies", view.t("roll-list-help"), help.to_string(), way.clone());
        }
    }
    for act in &page.acts {
        let who = if act.from.is_empty() { act.by.clone() } else { format!("{} · {}", act.by, act.from) };
        let what =
            if act.words.is_empty() { act.what.clone() } else { format!("{}: {}", act.what, act.words) };
        add("report-timeline", what, view.exact(act.at), who);
    }
    rows
}
