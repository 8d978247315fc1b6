//! The form for one person. Addresses are not shown in it: what is left empty stays as it is.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use serde_json::{Map, Value, json};

use super::access::Signed;
use super::form::{FieldFaults, Form};
use super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::person::{href, shown};
use crate::domain::channel::AddressKind;
use crate::domain::id::RecipientId;
use crate::domain::operator::Permission;
use crate::domain::recipient::Attributes;
use crate::error::{Fault, Faults};
use crate::service::Services;
use crate::service::recipients::{self, Recipient};
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/person_form.html")]
pub struct PersonFormPage {
    pub shell: Shell,
    /// Of the person being edited; `None` adds a new one.
    pub id: Option<RecipientId>,
    pub form: PersonForm,
    pub faults: FieldFaults,
}

impl PersonFormPage {
    const fn title(&self) -> &'static str {
        match self.id {
            Some(_) => "person-edit",
            None => "person-new",
        }
    }

    /// What is said of an address there is.
    fn kept(&self, field: &AddressField) -> String {
        match field.kept.as_str() {
            "" => String::new(),
            kept => self.shell.view.t1("address-kept", "address", kept),
        }
    }
}

/// As typed.
#[derive(Clone, Debug, Default)]
pub struct PersonForm {
    pub campus_id: String,
    pub name: String,
    pub department: String,
    pub language: String,
    pub addresses: Vec<AddressField>,
    /// `name = value`, one a line.
    pub attributes: String,
}

/// One address: what there is, and what shall be.
#[derive(Clone, Debug)]
pub struct AddressField {
    pub kind: AddressKind,
    /// Masked; empty where there is none.
    pub kept: String,
    pub typed: String,
    /// Take it away.
    pub clear: bool,
}

/// What attributes that fit on a line look like. The others are left alone.
fn lines(attributes: &Attributes) -> impl Iterator<Item = (&String, String)> {
    let fits = |text: &str| text.trim() == text && !text.contains(|c: char| c.is_control());
    let lines = attributes.iter().map(|(name, value)| (name, shown(value)));
    lines.filter(move |(name, text)| fits(name) && !name.contains('=') && fits(text))
}

fn filled(person: &Recipient) -> PersonForm {
    let known = &person.person;
    let line = |(name, text): (&String, String)| format!("{name} = {text}");
    PersonForm {
        campus_id: known.campus_id.clone(),
        name: known.name.clone(),
        department: known.department.clone().unwrap_or_default(),
        language: known.language.clone().unwrap_or_default(),
        addresses: fields(Some(person), None),
        attributes: lines(&known.attributes).map(line).collect::<Vec<_>>().join("\n"),
    }
}

fn typed(form: &Form, person: Option<&Recipient>) -> PersonForm {
    let campus_id = person.map_or(form.text("campus_id"), |person| &person.person.campus_id);
    PersonForm {
        campus_id: campus_id.to_owned(),
        name: form.text("name").to_owned(),
        department: form.text("department").to_owned(),
        language: form.text("language").to_owned(),
        addresses: fields(person, Some(form)),
        attributes: form.text("attributes").to_owned(),
    }
}

fn fields(person: Option<&Recipient>, form: Option<&Form>) -> Vec<AddressField> {
    let field = |kind: AddressKind| AddressField {
        kind,
        kept: person.and_then(|it| it.person.address(kind)).unwrap_or_default().to_owned(),
        typed: form.map(|form| form.text(kind.name())).unwrap_or_default().to_owned(),
        clear: form.is_some_and(|form| form.all("clear").any(|name| name == kind.name())),
    };
    AddressKind::ALL.map(field).into()
}

/// The typed attributes as a merge patch over those there are: what was not touched keeps its type, what is gone is null.
fn attributes(text: &str, before: &Attributes) -> Result<Map<String, Value>> {
    let mut faults = Faults::default();
    let mut patch: Map<String, Value> = lines(before).map(|(name, _)| (name.clone(), Value::Null)).collect();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once('=') else {
            faults.add("/attributes", "not_a_pair", "write `name = value`, one a line");
            continue;
        };
        let (name, value) = (name.trim(), value.trim());
        let kept = before.get(name).filter(|kept| shown(kept) == value).cloned();
        patch.insert(name.to_owned(), kept.unwrap_or_else(|| read(value)));
    }
    faults.into_result()?;
    Ok(patch)
}

/// A number or true and false where it is written as one; else text.
fn read(text: &str) -> Value {
    let plain = serde_json::from_str::<Value>(text).ok();
    plain.filter(|value| value.is_number() || value.is_boolean()).unwrap_or_else(|| text.into())
}

/// What the form asks for, as a patch over what there is.
fn patch(form: &Form, person: Option<&Recipient>) -> Result<Value> {
    let nothing = Attributes::new();
    let before = person.map_or(&nothing, |person| &person.person.attributes);
    let mut patch = json!({
        "name": form.text("name"),
        "department": form.text("department"),
        "language": form.text("language"),
        "attributes": attributes(form.text("attributes"), before)?,
    });
    for field in fields(person, Some(form)) {
        if field.clear {
            patch[field.kind.name()] = Value::Null;
        } else if !field.typed.is_empty() {
            patch[field.kind.name()] = field.typed.into();
        }
    }
    Ok(patch)
}

pub(super) async fn show_new(signed: Signed) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    page::html(&PersonFormPage {
        shell: signed.shell(Section::People)?,
        id: None,
        form: PersonForm { addresses: fields(None, None), ..PersonForm::default() },
        faults: FieldFaults::default(),
    })
}

pub(super) async fn create(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let made = match patch(&form, None) {
        Ok(body) => recipients::create(&s, &signed.caller, form.text("campus_id"), &body).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(id) => {
            signed.say(&Flash::good(signed.view().t("person-was-added")))?;
            Ok(see_other(&href(id)))
        }
        Err(Error::Invalid(faults)) => refuse(&signed, None, &form, &faults),
        Err(other) => Err(other),
    }
}

pub(super) async fn show_edit(
    s: Data<Services>,
    signed: Signed,
    id: Path<RecipientId>,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let person = recipients::find(&s, &signed.caller, *id).await?;
    page::html(&PersonFormPage {
        shell: signed.shell(Section::People)?,
        id: Some(*id),
        form: filled(&person),
        faults: FieldFaults::default(),
    })
}

pub(super) async fn update(
    s: Data<Services>,
    signed: Signed,
    id: Path<RecipientId>,
    form: Form,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let person = recipients::find(&s, &signed.caller, *id).await?;
    let done = match patch(&form, Some(&person)) {
        Ok(patch) => recipients::patch(&s, &signed.caller, &person.person.campus_id, &patch).await.map(drop),
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => {
            signed.say(&Flash::good(signed.view().t("person-was-saved")))?;
            Ok(see_other(&href(*id)))
        }
        Err(Error::Invalid(faults)) => refuse(&signed, Some(&person), &form, &faults),
        Err(other) => Err(other),
    }
}

/// The form again, as it was filled in, with what is wrong with it.
fn refuse(
    signed: &Signed,
    person: Option<&Recipient>,
    form: &Form,
    faults: &[Fault],
) -> Result<HttpResponse> {
    let shell = signed.shell(Section::People)?;
    let page = PersonFormPage {
        faults: FieldFaults::new(&shell.view, faults),
        shell,
        id: person.map(|person| person.id),
        form: typed(form, person),
    };
    page::answer(HttpResponse::UnprocessableEntity(), &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Attributes {
        let body = json!({"year": 2024, "code": "007", "card": "2024", "note": "a\nb", "a=b": 1});
        body.as_object().unwrap().clone().into_iter().collect()
    }

    #[test]
    fn what_was_not_touched_keeps_its_type_and_what_is_gone_is_cleared() {
        let before = known();
        let typed = "card = 2024\n year=2025\n\nparty = true\nhome = 3-201";
        let patch = Value::Object(attributes(typed, &before).unwrap());
        let expected = json!({"card": "2024", "year": 2025, "party": true, "home": "3-201", "code": null});
        assert_eq!(patch, expected, "what does not fit on a line is not in the patch");
    }

    #[test]
    fn a_line_that_is_no_pair_is_told() {
        let Err(Error::Invalid(faults)) = attributes("year = 2024\nstudent", &known()) else {
            panic!("taken")
        };
        assert_eq!((faults[0].pointer.as_str(), &*faults[0].code), ("/attributes", "not_a_pair"));
    }
}
