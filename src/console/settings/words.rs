//! The words that somebody should look at before a message leaves.

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

use super::super::access::Signed;
use super::super::form::{FieldFaults, LargeForm};
use super::super::mailbox::Tab;
use super::super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::super::view::{Given, View};
use super::tabs;
use crate::domain::operator::Permission;
use crate::domain::sensitive::{LONGEST_NOTE, LONGEST_WORD, MOST_WORDS, Treatment, WordList};
use crate::error::Fault;
use crate::service::{Services, sensitive};
use crate::{Error, Result};

pub(super) const PATH: &str = "/console/settings/words";
/// Lines of a text whose faults are named.
const NAMED: usize = 8;

#[derive(Debug, Template)]
#[template(path = "console/settings/words.html")]
pub struct WordsPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub may_edit: bool,
    /// The list that the form was made from.
    pub version: i64,
    /// For each treatment, as it is typed.
    pub texts: [(Treatment, String); 2],
    pub faults: FieldFaults,
}

impl WordsPage {
    fn new(signed: &Signed, version: i64, texts: [(Treatment, String); 2]) -> Result<Self> {
        let shell = signed.shell(Section::Settings)?;
        Ok(Self {
            tabs: tabs(&shell.view, PATH),
            may_edit: signed.may(Permission::SettingsEdit),
            version,
            texts,
            faults: FieldFaults::default(),
            shell,
        })
    }

    /// How many words a text has.
    fn size(text: &str) -> u64 {
        text.lines().filter(|line| !line.trim().is_empty()).count() as u64
    }

    fn is_bad(&self, treatment: impl Given<Treatment>) -> bool {
        self.faults.of(treatment.given().name()).is_some()
    }
}

fn of(list: &WordList) -> [(Treatment, String); 2] {
    Treatment::ALL.map(|treatment| (treatment, list.text(treatment)))
}

pub(in crate::console) async fn show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let list = sensitive::show(&s, &signed.caller).await?;
    page::html(&WordsPage::new(&signed, list.version, of(&list))?)
}

pub(in crate::console) async fn change(
    s: Data<Services>,
    signed: Signed,
    LargeForm(form): LargeForm,
) -> Result<HttpResponse> {
    let texts = Treatment::ALL.map(|treatment| (treatment, form.text(treatment.name()).to_owned()));
    let version = form.text("version").parse().unwrap_or(-1);
    let [(warn, warned), (hold, held)] = &texts;
    let done = sensitive::change(&s, &signed.caller, version, [(*warn, warned), (*hold, held)]).await;
    let view = signed.view();
    match done {
        Ok(changed) => {
            let said = if changed { view.t("settings-saved") } else { view.t("settings-same") };
            signed.say(&Flash::good(said))?;
            Ok(see_other(PATH))
        }
        Err(Error::Invalid(faults)) => {
            let faults = told(&view, &faults);
            let page = WordsPage { faults, ..WordsPage::new(&signed, version, texts)? };
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(Error::Conflict { code: "changed_meanwhile", .. }) => {
            // Whoever saves once more has been told what they save over.
            let version = sensitive::show(&s, &signed.caller).await?.version;
            let faults = [("form".to_owned(), view.t("settings-meanwhile"))].into_iter().collect();
            let page = WordsPage { faults, ..WordsPage::new(&signed, version, texts)? };
            page::answer(HttpResponse::Conflict(), &page)
        }
        Err(other) => Err(other),
    }
}

/// What is wrong with each text, line by line.
fn told(view: &View, faults: &[Fault]) -> FieldFaults {
    let of = |treatment: Treatment| {
        let start = format!("/{treatment}/");
        let lines: Vec<_> = faults
            .iter()
            .filter_map(|fault| Some((fault.pointer.strip_prefix(&start)?, fault)))
            .map(|(number, fault)| view.t2("words-line", "n", number, "fault", line(view, fault)))
            .collect();
        let rest = lines.len().saturating_sub(NAMED) as u64;
        let mut told = lines.into_iter().take(NAMED).collect::<Vec<_>>().join(&view.t("part-separator"));
        if rest > 0 {
            told.push_str(&view.count("words-lines-more", rest));
        }
        (!told.is_empty()).then(|| (treatment.name().to_owned(), told))
    };
    let whole = faults.iter().filter(|fault| fault.pointer.is_empty());
    let whole = whole.map(|_| ("form".to_owned(), view.t1("words-too-many", "most", MOST_WORDS)));
    Treatment::ALL.into_iter().filter_map(of).chain(whole).collect()
}

fn line(view: &View, fault: &Fault) -> String {
    match &*fault.code {
        "word_too_long" => view.t1("words-too-long", "most", LONGEST_WORD),
        "note_too_long" => view.t1("words-note-too-long", "most", LONGEST_NOTE),
        "no_letters" => view.t("words-no-letters"),
        "signs" => view.t("words-signs"),
        "two_sentences" => view.t("words-two-sentences"),
        "word_twice" => {
            let (before, number) = fault.detail.split_once('/').unwrap_or_default();
            let part = view.t(&format!("words-{before}-part"));
            view.t2("words-twice", "part", part, "n", number)
        }
        _ => fault.detail.clone(),
    }
}
