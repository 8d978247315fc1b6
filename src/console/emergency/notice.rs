//! Words that nobody prepared: written, looked at as they would arrive, and handed in.

use actix_web::web::Data;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use askama::Template;
use serde_json::json;

use super::press::landed;
use super::told::{PeopleFragment, TextsFragment};
use super::{Place, href};
use crate::Result;
use crate::console::access::Signed;
use crate::console::filter_builder::{FilterFragment, Place as Builder, Typed};
use crate::console::form::{FieldFaults, Form, fault_text};
use crate::console::page::{self, Flash, Shell, Theme, see_other};
use crate::console::rules::form::group_choices;
use crate::console::rules::words::Names;
use crate::console::view::{Given, View};
use crate::domain::audience::Audience;
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::free_text::FreeText as Own;
use crate::domain::emergency::{Level, Needs, Remark, Run, Said, Scenario, State, Texts, lint, reading};
use crate::domain::id::BroadcastId;
use crate::domain::operator::Permission;
use crate::error::{Error, Fault};
use crate::http::{RequestId, client};
use crate::service::broadcasts::{self, Foreseen, FreeText};
use crate::service::{Services, letterhead};

/// Minutes that are offered, the usual one first chosen.
pub const EXPIRIES: [u32; 6] = [30, 60, 120, 240, 720, 1_440];
const USUAL: u32 = 120;

#[derive(Debug, Template)]
#[template(path = "console/emergency/notice.html")]
pub struct NoticePage {
    pub shell: Shell,
    pub place: Place,
    pub form: WordsForm,
    pub level: Option<Level>,
    pub everyone: bool,
    /// Slugs.
    pub groups: Vec<String>,
    /// None for whoever may not choose among people.
    pub known_groups: Vec<(String, String)>,
    /// `None` for whoever may not choose among people.
    pub filter: Option<FilterFragment>,
    pub channels: Vec<ChannelKind>,
    pub expires: u32,
    pub note: String,
    pub faults: FieldFaults,
    pub sight: Option<NoticeSight>,
}

/// What handing it in would do.
#[derive(Debug)]
pub struct NoticeSight {
    pub people: PeopleFragment,
    pub texts: TextsFragment,
    pub waits: bool,
    /// By what the page knows that nothing was changed since it was looked at.
    pub seal: String,
}

impl NoticePage {
    fn is_chosen(&self, slug: &String) -> bool {
        self.groups.contains(slug)
    }

    fn has_channel(&self, channel: impl Given<ChannelKind>) -> bool {
        self.channels.contains(&channel.given())
    }

    fn is_level(&self, level: impl Given<Level>) -> bool {
        self.level == Some(level.given())
    }

    fn is_expiry(&self, minutes: impl Given<u32>) -> bool {
        self.expires == minutes.given()
    }

    fn expires_in(&self, minutes: impl Given<u32>) -> String {
        self.shell.view.lasting(std::time::Duration::from_mins(u64::from(minutes.given())))
    }

    /// What handing it in is called.
    fn act(&self, sight: &NoticeSight) -> String {
        let view = &self.shell.view;
        let key = self.place.key(if sight.waits { "notice-act-waits" } else { "notice-act" });
        view.t1(&key, "people", view.count("press-people", sight.people.total))
    }
}

/// The texts in both languages, as they are typed.
#[derive(Clone, Debug, Default)]
pub struct WordsForm {
    pub zh: Said,
    pub en: Said,
}

/// A field of it: its name, its text, and how many lines it shows.
#[derive(Clone, Copy, Debug)]
pub struct WordField<'f> {
    pub name: &'static str,
    pub text: &'f str,
    pub rows: u32,
}

impl WordsForm {
    pub fn of(texts: &Texts) -> Self {
        Self { zh: texts.zh.clone(), en: texts.en.clone() }
    }

    pub(super) fn read(form: &Form) -> Self {
        let said = |language: &str| Said {
            title: form.text(&format!("{language}_title")).to_owned(),
            body: form.text(&format!("{language}_body")).to_owned(),
            sms: one_line(form.text(&format!("{language}_sms"))),
            wechat: form.text(&format!("{language}_wechat")).to_owned(),
        };
        Self { zh: said("zh"), en: said("en") }
    }

    /// As they are sent: in the one language that was written where the other was not, and by every channel.
    pub fn texts(&self) -> Texts {
        let or =
            |one: &Said, other: &Said| if one.is_blank() { other } else { one }.clone().for_every_channel();
        Texts { zh: or(&self.zh, &self.en), en: or(&self.en, &self.zh) }
    }

    /// The field that a fault of the texts is told at: what stands for another text has none of its own.
    fn field_of(&self, language: &str, text: &str) -> Option<String> {
        let (said, other) = if language == "zh" { (&self.zh, &self.en) } else { (&self.en, &self.zh) };
        if said.is_blank() && !other.is_blank() {
            return None;
        }
        let text = match text {
            "sms" if said.sms.is_empty() => "title",
            "wechat" if said.wechat.is_empty() => "body",
            text => text,
        };
        Some(format!("{language}_{text}"))
    }

    /// `zh` or `en`, with its fields in the order they are filled in.
    pub fn languages(&self) -> [(&'static str, [WordField<'_>; 4]); 2] {
        let fields = |said| {
            let Said { title, body, sms, wechat }: &Said = said;
            [("title", title, 1), ("sms", sms, 3), ("wechat", wechat, 4), ("body", body, 6)]
                .map(|(name, text, rows)| WordField { name, text, rows })
        };
        [("zh", fields(&self.zh)), ("en", fields(&self.en))]
    }
}

/// An SMS has one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What keeps words from being sent, at their fields: what a scenario is refused for, and what is missing.
pub(super) fn word_faults(s: &Services, view: &View, words: &WordsForm, scenario: &Scenario) -> FieldFaults {
    faults_of(s, view, words, scenario).into_iter().collect()
}

fn faults_of(s: &Services, view: &View, words: &WordsForm, scenario: &Scenario) -> Vec<(String, String)> {
    let shape = serde_json::to_value(scenario).map_err(Error::internal).and_then(|it| reading::read(&it));
    let mut faults = match shape {
        Err(Error::Invalid(faults)) => faults,
        _ => Vec::new(),
    };
    let today = s.campus.zoned(s.clock.now()).date();
    let sign = letterhead::name(s, s.campus.language.as_str());
    faults.extend(
        lint(scenario, Some(&sign), today).into_iter().filter(Remark::is_refusal).map(Remark::into_fault),
    );
    let told = |fault: &Fault| {
        let field = field(words, &fault.pointer)?;
        let code = if fault.code == "text_missing" { "required" } else { &fault.code };
        let key = format!("notice-fault-{code}");
        let own = view.t(&key);
        let text = if own == key { fault_text(view, code, &fault.detail) } else { own };
        Some((field, text))
    };
    faults.iter().filter_map(told).collect()
}

/// The field of a form; `None`: it follows from another.
fn field(words: &WordsForm, pointer: &str) -> Option<String> {
    let mut parts = pointer.trim_start_matches('/').split('/');
    match (parts.next()?, parts.next(), parts.next()) {
        ("alert", Some(language), Some(text)) => words.field_of(language, text),
        ("audience", part, _) => Some(if part == Some("where") { "where" } else { "audience" }.to_owned()),
        (field @ ("level" | "channels"), ..) => Some(field.to_owned()),
        ("expires_in_minutes", ..) => Some("expires".to_owned()),
        _ => None,
    }
}

/// A form as it was filled in.
struct Filled {
    words: WordsForm,
    level: Option<Level>,
    everyone: bool,
    groups: Vec<String>,
    filter: String,
    /// Rows of the filter are not finished.
    unfinished: bool,
    channels: Vec<ChannelKind>,
    expires: u32,
    note: String,
}

impl Default for Filled {
    fn default() -> Self {
        Self {
            words: WordsForm::default(),
            level: None,
            everyone: false,
            groups: Vec::new(),
            filter: String::new(),
            unfinished: false,
            channels: ChannelKind::ALL.to_vec(),
            expires: USUAL,
            note: String::new(),
        }
    }
}

impl Filled {
    fn read(form: &Form) -> Self {
        let filter = Typed::read(form, Builder::Sole).text();
        Self {
            words: WordsForm::read(form),
            level: form.text("level").parse().ok(),
            everyone: form.text("everyone") == "true",
            groups: form.all("groups").map(str::to_owned).collect(),
            unfinished: filter.is_err(),
            filter: filter.unwrap_or_default(),
            channels: form.all("channels").filter_map(|channel| channel.parse().ok()).collect(),
            expires: form.text("expires").parse().unwrap_or(USUAL),
            note: form.text("note").to_owned(),
        }
    }

    fn scenario(&self) -> Scenario {
        let own = Own {
            alert: self.words.texts(),
            // What is not said is told as a fault, and this does not matter then.
            level: self.level.unwrap_or(Level::Red),
            audience: Audience {
                everyone: self.everyone,
                groups: if self.everyone { Vec::new() } else { self.groups.clone() },
                filter: Some(self.filter.clone()).filter(|filter| !self.everyone && !filter.is_empty()),
                ..Audience::default()
            },
            channels: self.channels.clone(),
            expires_in_minutes: self.expires,
        };
        own.scenario()
    }

    fn faults(&self, s: &Services, signed: &Signed, scenario: &Scenario) -> FieldFaults {
        let view = &signed.view();
        let mut faults = faults_of(s, view, &self.words, scenario);
        if self.level.is_none() {
            faults.push(("level".to_owned(), view.t("fault-required")));
        }
        if self.unfinished {
            faults.retain(|(field, _)| field != "audience");
            faults.push(("where".to_owned(), view.t("fault-unfinished_rows")));
        }
        if broadcasts::may_choose(&signed.caller, &scenario.audience).is_err() {
            faults.retain(|(field, _)| field != "audience" && field != "where");
            faults.push(("audience".to_owned(), view.t("notice-fault-directory_needed")));
        }
        faults.into_iter().collect()
    }

    /// What was looked at, in a few letters.
    fn seal(&self, s: &Services, scenario: &Scenario) -> String {
        let text = json!({ "scenario": scenario, "note": self.note }).to_string();
        let print = s.vault.fingerprint("notice", text.as_bytes());
        print.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

macro_rules! of_each_place {
    ($($show:ident $write:ident $run:ident),+) => {
        $(
            pub(in crate::console) async fn $show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
                show(Place(Run::$run), &s, &signed).await
            }

            pub(in crate::console) async fn $write(
                request: HttpRequest,
                s: Data<Services>,
                signed: Signed,
                form: Form,
            ) -> Result<HttpResponse> {
                write(Place(Run::$run), &request, &s, &signed, &form).await
            }
        )+
    };
}

of_each_place! {
    show_live write_live Live,
    show_drill write_drill Drill
}

async fn show(place: Place, s: &Services, signed: &Signed) -> Result<HttpResponse> {
    signed.caller.require(broadcasts::pressed_with(place.0))?;
    page::html(&load(place, s, signed, Filled::default(), None).await?)
}

async fn load(
    place: Place,
    s: &Services,
    signed: &Signed,
    filled: Filled,
    form: Option<&Form>,
) -> Result<NoticePage> {
    let names = Names::load(s, signed).await?;
    // As `broadcasts::may_choose`.
    let chooses = signed.may(Permission::DirectoryView);
    let filter = match form {
        _ if !chooses => None,
        Some(form) => Some(FilterFragment::of_form(s, signed, form, Builder::Sole).await?),
        None => Some(FilterFragment::new(s, signed, Typed::blank(), Builder::Sole).await?),
    };
    Ok(NoticePage {
        shell: signed.shell(None)?,
        place,
        known_groups: if chooses { group_choices(&names, &filled.groups) } else { Vec::new() },
        form: filled.words,
        level: filled.level,
        everyone: filled.everyone,
        groups: filled.groups,
        filter,
        channels: filled.channels,
        expires: filled.expires,
        note: filled.note,
        faults: FieldFaults::default(),
        sight: None,
    })
}

/// Where the same words are open already, from the same operator: a form that was sent twice is one broadcast.
pub(super) async fn same_open(
    s: &Services,
    signed: &Signed,
    scenario: &Scenario,
    follows: Option<BroadcastId>,
    run: Run,
) -> Result<Option<HttpResponse>> {
    let me = Some(signed.operator.id);
    let open = broadcasts::waiting(s, &signed.caller).await?;
    let same = open.iter().find(|row| {
        let says_so = row.plan.0.is_free_text() && row.plan.0.scenario.alert == scenario.alert;
        row.operator_id == me && row.follows == follows && row.run == run && row.state.is_open() && says_so
    });
    let Some(row) = same else { return Ok(None) };
    let key = if row.state == State::Live { "pressed-attached" } else { "pressed-attached-waits" };
    signed.say(&Flash::amber(signed.view().t1(key, "name", &row.pressed_by)))?;
    Ok(Some(see_other(&href(row.id))))
}

fn sight(view: &View, foreseen: &Foreseen, seal: String) -> NoticeSight {
    NoticeSight {
        people: PeopleFragment::new(view, foreseen),
        texts: TextsFragment::of_foreseen(view, foreseen),
        waits: foreseen.needs != Needs::Nobody,
        seal,
    }
}

async fn write(
    place: Place,
    request: &HttpRequest,
    s: &Services,
    signed: &Signed,
    form: &Form,
) -> Result<HttpResponse> {
    signed.caller.require(broadcasts::pressed_with(place.0))?;
    let filled = Filled::read(form);
    let (view, scenario) = (signed.view(), filled.scenario());
    let builds = !Builder::Sole.pressed(form).is_empty();
    if builds {
        return page::html(&load(place, s, signed, filled, Some(form)).await?);
    }
    let mut faults = filled.faults(s, signed, &scenario);
    let seal = filled.seal(s, &scenario);
    // What is handed in is what was looked at: another text is looked at first.
    let is_seen = form.text("seal") == seal && form.text("run") == place.0.name();
    if faults.is_empty() && form.text("act") == "send" && is_seen {
        if let Some(before) = same_open(s, signed, &scenario, None, place.0).await? {
            return Ok(before);
        }
        let request_id = request.extensions().get::<RequestId>().cloned();
        let words = FreeText {
            scenario: &scenario,
            follows: None,
            run: place.0,
            note: &filled.note,
            from: Some(client::address(request)),
            request_id: request_id.as_ref().map_or("", RequestId::as_str),
        };
        match broadcasts::press_words(s, &signed.caller, &words).await {
            Ok(pressed) => return landed(signed, &pressed),
            Err(Error::Invalid(found)) => faults = FieldFaults::new(&view, &found),
            Err(other) => return Err(other),
        }
    }
    if !faults.is_empty() {
        let mut page = load(place, s, signed, filled, Some(form)).await?;
        if let Some(filter) = &mut page.filter {
            filter.refused(faults.of("where").cloned());
        }
        return page::answer(HttpResponse::UnprocessableEntity(), &NoticePage { faults, ..page });
    }
    let foreseen = broadcasts::foresee_words(s, &signed.caller, &scenario, place.0).await?;
    let page = load(place, s, signed, filled, Some(form)).await?;
    let sight = Some(sight(&view, &foreseen, seal));
    page::html(&NoticePage { sight, ..page })
}
