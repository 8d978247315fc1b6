//! The first page: how today goes, and what waits for somebody.

use std::time::Duration;

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;

use super::access::Signed;
use super::chart::Bar;
use super::counts::Counts;
use super::emergency::scenarios::SCENARIOS;
use super::emergency::{self, BROADCASTS, Place, line};
use super::messages::{MessageRow, MessageRowsFragment};
use super::page::{self, Section, Shell, Theme, address};
use super::providers::words::Health;
use super::registrations;
use super::view::View;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::id::{MessageId, ProviderId, SourceId};
use crate::domain::operator::Permission;
use crate::service::providers::ProviderHealth;
use crate::service::reports::{self, Hour, Overview, Span, Trend};
use crate::service::roll_call::{self, OpenRoll};
use crate::service::sources::Silent;
use crate::service::{Services, scenarios};

const MESSAGES: &str = "/console/messages";
/// The two trends.
const HOURLY: &str = "/console";
const DAILY: &str = "/console?trend=days";
/// What is due for so long has a reason.
const LATE: Duration = Duration::from_mins(5);
/// Days for which a message may still have deliveries that fail today: the list of them begins there.
const TROUBLE_REACHES: i64 = 7;

#[derive(Debug, Template)]
#[template(path = "console/overview.html")]
pub struct OverviewPage {
    pub shell: Shell,
    /// Today's date on the campus calendar, in words.
    pub today_text: String,
    /// None for whoever may not see messages.
    pub today: Option<TodayFragment>,
    /// What waits for whoever may not.
    pub todos: Vec<Todo>,
}

impl OverviewPage {
    /// Where else whoever looks may go.
    pub fn rooms(&self) -> Vec<Section> {
        self.shell.sections.iter().copied().filter(|room| *room != Section::Overview).collect()
    }
}

/// The live part.
#[derive(Debug, Template)]
#[template(path = "console/overview_today.html")]
pub struct TodayFragment {
    pub view: View,
    /// Today as `2026-11-21`.
    pub date: String,
    /// Accepted since midnight on the campus clock.
    pub messages: u64,
    /// Deliveries that came to an end today and those still open, over all channels.
    pub total: Counts,
    pub oldest: Option<OldestWaiting>,
    /// A bar for each hour or day, the oldest first.
    pub trend: Vec<Bar>,
    pub span: Span,
    /// It tells of the whole campus, of which more is counted.
    pub whole: bool,
    /// What is not as it should be; nothing: all is well.
    pub wrongs: Vec<String>,
    /// Channels with deliveries today.
    pub channels: Vec<Lane>,
    pub todos: Vec<Todo>,
    pub providers: Vec<ProviderLine>,
    /// Whether there is more to see of them.
    pub may_see_providers: bool,
    /// Whoever looks may add one.
    pub may_add_providers: bool,
    /// Channels that sources may use and no provider serves.
    pub unserved: Vec<ChannelKind>,
    /// Kinds of address by which messages wait and which no provider takes.
    pub stranded: Vec<AddressKind>,
    /// Sources that used to send and have gone quiet.
    pub silent: Vec<SilentSource>,
    pub recent: MessageRowsFragment,
}

/// The due delivery that has waited longest.
#[derive(Clone, Debug)]
pub struct OldestWaiting {
    pub message: MessageId,
    pub title: String,
    pub waiting: Duration,
}

impl TodayFragment {
    /// What the trend shows, over all its bars.
    fn trend_total(&self) -> Counts {
        self.trend.iter().fold(Counts::default(), |sum, bar| sum.plus(&bar.counts))
    }

    /// Path and query of this very part.
    fn here(&self) -> &'static str {
        match self.span {
            Span::Hours => HOURLY,
            Span::Days => DAILY,
        }
    }

    /// Messages with deliveries that may have failed today.
    fn troubles(&self) -> String {
        let since = date_before(&self.date, TROUBLE_REACHES);
        address(MESSAGES, &[("trouble", "true"), ("since", &since)])
    }

    /// What is to leave: of this, what left and what failed are shares.
    fn to_send(&self) -> u64 {
        self.total.due()
    }
}

/// One channel's deliveries.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    pub channel: ChannelKind,
    pub counts: Counts,
}

/// Something that waits for this operator.
#[derive(Clone, Debug)]
pub struct Todo {
    pub icon: &'static str,
    pub text: String,
    /// 0: of what is not counted.
    pub count: u64,
    pub href: String,
}

#[derive(Clone, Debug)]
pub struct ProviderLine {
    pub id: ProviderId,
    pub name: String,
    pub channel: ChannelKind,
    pub health: Health,
    /// Why it is paused, or what it last did; may be empty.
    pub note: String,
}

#[derive(Clone, Debug)]
pub struct SilentSource {
    pub id: SourceId,
    pub name: String,
    pub last_active: Option<Timestamp>,
}

/// As in the address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// `days`, or by the hour.
    trend: String,
}

/// The overview, or its live part alone.
pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    asked: Query<Asked>,
) -> Result<HttpResponse> {
    let span = if asked.trend == "days" { Span::Days } else { Span::Hours };
    let own = own_todos(&s, &signed).await?;
    if !signed.may_somewhere(Permission::MessagesView) {
        let shell = signed.shell(Section::Overview)?;
        return page::html(&OverviewPage { today_text: shell.view.today(), shell, today: None, todos: own });
    }
    let overview = reports::overview(&s, &signed.caller, span).await?;
    let today = TodayFragment::new(&signed, overview, own);
    if page::wants_fragment(&request) {
        return page::html(&today);
    }
    let shell = signed.shell(Section::Overview)?;
    let today_text = shell.view.today();
    page::html(&OverviewPage { today_text, shell, today: Some(today), todos: Vec::new() })
}

impl TodayFragment {
    fn new(signed: &Signed, overview: Overview, own: Vec<Todo>) -> Self {
        let view = signed.view();
        let lane =
            |(channel, counts): &(ChannelKind, _)| Lane { channel: *channel, counts: Counts::from(counts) };
        let channels: Vec<_> = overview.channels.iter().map(lane).collect();
        let total = channels.iter().fold(Counts::default(), |sum, lane| sum.plus(&lane.counts));
        let hour =
            |hour: &Hour| Bar { label: view.clock_time(hour.begins), counts: Counts::from(&hour.counts) };
        let day = |(date, counts): &(Date, _)| Bar {
            label: date.strftime("%m-%d").to_string(),
            counts: Counts::from(counts),
        };
        let (span, trend) = match &overview.trend {
            Trend::Hours(hours) => (Span::Hours, hours.iter().map(hour).collect()),
            Trend::Days(days) => (Span::Days, days.iter().map(day).collect()),
        };
        let wrongs = wrongs(&view, &overview);
        let mut todos = [own, todos(&view, &overview)].concat();
        let alarms = signed.alarms().all;
        if alarms > 0 {
            let (icon, href) = (Section::Alarms.icon(), Section::Alarms.href().to_owned());
            todos.insert(0, Todo { icon, text: view.t("alarms-open"), count: alarms, href });
        }
        let oldest = overview.oldest.map(|oldest| OldestWaiting {
            message: oldest.message,
            title: oldest.title,
            waiting: oldest.waiting,
        });
        let silent = |source: Silent| SilentSource {
            id: source.id,
            name: source.name,
            last_active: source.last_message_at,
        };
        Self {
            date: overview.day,
            messages: u64::try_from(overview.accepted).unwrap_or(0),
            total,
            oldest,
            trend,
            span,
            whole: overview.whole,
            wrongs,
            channels,
            todos,
            providers: overview
                .providers
                .into_iter()
                .map(|provider| provider_line(&view, provider))
                .collect(),
            may_see_providers: signed.may(Permission::ProvidersView),
            may_add_providers: signed.may(Permission::ProvidersEdit),
            unserved: overview.unserved,
            stranded: overview.stranded,
            silent: overview.silent.into_iter().map(silent).collect(),
            recent: MessageRowsFragment {
                view: view.clone(),
                rows: overview.recent.into_iter().map(|message| MessageRow::new(&view, message)).collect(),
                filtered: false,
                backwards: false,
                one_source: false,
            },
            view,
        }
    }
}

/// Changes of scenarios that this operator may agree to.
async fn scenarios_to_approve(s: &Services, signed: &Signed) -> Result<u64> {
    if !(signed.may(Permission::EmergencyApprove) && signed.may(Permission::EmergencyView)) {
        return Ok(0);
    }
    let me = signed.operator.id;
    let changes = scenarios::changes(s, &signed.caller).await?;
    Ok(changes.iter().filter(|change| !change.editors.0.contains(&me.0)).count() as u64)
}

/// What waits for this operator alone, whatever they may see.
async fn own_todos(s: &Services, signed: &Signed) -> Result<Vec<Todo>> {
    let (view, changes) = (signed.view(), scenarios_to_approve(s, signed).await?);
    let (approve, review) = line::waits_for(signed.open(), signed.operator.id);
    let second = signed.may(Permission::EmergencyApprove);
    let todo =
        |icon, key: &str, count, href: &str| Todo { icon, text: view.t(key), count, href: href.to_owned() };
    let mut todos = vec![
        todo("emergency", "todo-broadcasts", if second { approve } else { 0 }, BROADCASTS),
        todo("eye", "todo-overridden", if second { review } else { 0 }, BROADCASTS),
        todo("pen", "todo-scenarios", changes, SCENARIOS),
        todo("key", "todo-rights", signed.rights(), Section::Operators.href()),
        todo("source", "todo-registrations", signed.registrations(), registrations::HOME),
    ];
    todos.retain(|todo| todo.count > 0);
    // What matters most comes first.
    let rolls = roll_call::open_to(s, &signed.caller).await?;
    Ok(rolls.iter().map(|roll| roll_todo(&view, roll)).chain(todos).collect())
}

/// The way to a board for whoever sees no page of its broadcast.
fn roll_todo(view: &View, roll: &OpenRoll) -> Todo {
    let name = view.spoken(&roll.name);
    let name = if roll.run.is_marked() {
        format!("{} · {name}", view.t(&Place(roll.run).key("run")))
    } else {
        name
    };
    Todo {
        icon: Place(roll.run).icon(),
        text: view.t1("roll-todo", "name", name),
        count: 0,
        href: format!("{}/roll", emergency::href(roll.id)),
    }
}

/// What waits for this operator; what nobody waits for is left out.
fn todos(view: &View, overview: &Overview) -> Vec<Todo> {
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    let todo = |icon, text, count, href: &str| Todo { icon, text, count, href: href.to_owned() };
    let mut todos = vec![
        todo("pause", view.t("todo-held"), count(overview.held), "/console/held"),
        todo("lost", view.t("todo-unrouted"), count(overview.unrouted), "/console/messages?status=unrouted"),
        todo("failed", view.t("todo-attention"), overview.troubled, "/console/attention"),
    ];
    todos.retain(|todo| todo.count > 0);
    todos
}

/// What is not as it should be, the gravest first, each in a few words.
fn wrongs(view: &View, overview: &Overview) -> Vec<String> {
    let troubled = |provider: &&ProviderHealth| provider.trouble.is_some();
    let mut wrongs: Vec<_> = overview
        .providers
        .iter()
        .filter(troubled)
        .map(|provider| view.t1("wrong-provider", "name", &provider.name))
        .collect();
    let unserved = overview.unserved.iter().map(|channel| view.channel_text(channel));
    wrongs.extend(unserved.map(|channel| view.t1("wrong-unserved", "channel", channel)));
    let late = overview.oldest.as_ref().filter(|oldest| oldest.waiting > LATE);
    wrongs.extend(late.map(|oldest| view.t1("wrong-late", "time", view.lasting(oldest.waiting))));
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    let silent = overview.silent.len() as u64;
    let counted = [
        ("wrong-troubled", overview.troubled),
        ("wrong-held", count(overview.held)),
        ("wrong-unrouted", count(overview.unrouted)),
        ("wrong-silent", silent),
    ];
    wrongs.extend(counted.iter().filter(|(_, n)| *n > 0).map(|(key, n)| view.count(key, *n)));
    wrongs
}

/// The date that many days before, to begin a list with; empty where `day` is no date.
fn date_before(day: &str, days: i64) -> String {
    let date = day.parse::<Date>().ok().and_then(|date| date.checked_sub(jiff::Span::new().days(days)).ok());
    date.map(|date| date.to_string()).unwrap_or_default()
}

fn provider_line(view: &View, provider: ProviderHealth) -> ProviderLine {
    let again = |until| view.t1("provider-again", "time", view.clock_time(until));
    let note = provider.trouble.as_ref().map(|trouble| {
        let parts: Vec<_> = trouble.reason.clone().into_iter().chain(trouble.until.map(again)).collect();
        parts.join(" · ")
    });
    let quota = provider.quota.map(|state| {
        let number = |n: i64| view.number(n.unsigned_abs());
        view.t2("provider-quota", "used", number(state.used), "daily", number(state.quota.daily))
    });
    let codes: Vec<_> = provider.unknown_codes.iter().map(|unknown| unknown.code.as_str()).collect();
    let unknown = (!codes.is_empty()).then(|| view.t1("provider-unknown-codes", "codes", codes.join(", ")));
    ProviderLine {
        id: provider.id,
        name: provider.name,
        channel: provider.channel,
        health: Health::of(provider.trouble.as_ref(), provider.doubt),
        note: [note, unknown, quota].into_iter().flatten().collect::<Vec<_>>().join(" · "),
    }
}
