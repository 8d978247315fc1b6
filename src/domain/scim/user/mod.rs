//! People: which attributes are kept, and as what.

mod addresses;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use self::addresses::{chooses, chosen, names_value, same};
use super::patch::{self, Op, Operation};
use super::version;
use super::{BELLTOWER, ENTERPRISE, external_id_of, flag_of, text_of};
use crate::domain::channel::AddressKind;
use crate::domain::id::RecipientId;
use crate::domain::recipient::RecipientInput;
use crate::error::{Error, Result};

/// The attribute of the directory that `userType` is kept as.
const ROLE: &str = "role";
/// The attribute of the directory that `employeeNumber` is kept as.
pub const EMPLOYEE_NUMBER: &str = "employee_number";

/// A fact that may be told or not. Its place in the list is its bit in [`User::told`]: new ones come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    Email,
    Mobile,
    Language,
    Department,
    WecomUserid,
    WechatOpenid,
    UserType,
    EmployeeNumber,
}

impl Fact {
    const ALL: [Self; 8] = [
        Self::Email,
        Self::Mobile,
        Self::Language,
        Self::Department,
        Self::WecomUserid,
        Self::WechatOpenid,
        Self::UserType,
        Self::EmployeeNumber,
    ];

    const fn bit(self) -> i64 {
        1 << self as i64
    }

    /// Where a record of the directory has it: a field, or an attribute.
    const fn place(self) -> (&'static str, bool) {
        match self {
            Self::Email => ("email", false),
            Self::Mobile => ("mobile", false),
            Self::Language => ("language", false),
            Self::Department => ("department", false),
            Self::WecomUserid => ("wecom_userid", false),
            Self::WechatOpenid => ("wechat_openid", false),
            Self::UserType => (ROLE, true),
            Self::EmployeeNumber => (EMPLOYEE_NUMBER, true),
        }
    }
}

/// A person as identity systems keep them.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub person: RecipientInput,
    pub active: bool,
    /// By what an identity system knows them.
    pub external_id: Option<String>,
    /// Bits of the facts that an identity system told. What it leaves out of a whole record is cleared if it told it, and
    /// stays if others did.
    pub told: i64,
}

impl User {
    /// Somebody of whom nothing is known.
    pub fn unknown(campus_id: &str) -> Self {
        let person = RecipientInput {
            campus_id: campus_id.to_owned(),
            name: String::new(),
            email: None,
            mobile: None,
            wecom_userid: None,
            wechat_openid: None,
            language: None,
            department: None,
            attributes: BTreeMap::new(),
        };
        Self { person, active: true, external_id: None, told: 0 }
    }

    /// The version of what is shown of the person.
    pub fn version(&self, id: RecipientId) -> Result<String> {
        version::of(&(id.0, &self.person, self.active, &self.external_id))
    }
}

/// What one request says of a person.
#[expect(clippy::option_option, reason = "nothing is said, or that there is none, or what it is")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    pub user_name: Option<String>,
    external_id: Option<Option<String>>,
    active: Option<bool>,
    display_name: Option<Option<String>>,
    formatted: Option<Option<String>>,
    given_name: Option<String>,
    family_name: Option<String>,
    facts: BTreeMap<Fact, Option<String>>,
    /// Null takes one away.
    attributes: Map<String, Value>,
}

impl Said {
    /// A whole resource, as it is created or replaced.
    ///
    /// # Errors
    ///
    /// Faults with codes of [`super`].
    pub fn of_resource(body: &Value) -> Result<Self> {
        Self::of(&patch::of_resource(body)?, None)
    }

    /// A patch of somebody who is `before`.
    ///
    /// # Errors
    ///
    /// Faults with codes of [`super`].
    pub fn of_patch(body: &Value, before: &User) -> Result<Self> {
        let mut said = Self::of(&patch::read(body)?, Some(before))?;
        // They are no attributes of their own here, and one of them alone is no name.
        (said.given_name, said.family_name) = (None, None);
        Ok(said)
    }

    fn of(operations: &[Operation<'_>], before: Option<&User>) -> Result<Self> {
        let mut said = Self::default();
        for operation in operations {
            said.take(operation, before)?;
        }
        Ok(said)
    }

    fn take(&mut self, operation: &Operation<'_>, before: Option<&User>) -> Result<()> {
        let Operation { op, target, value, at } = operation;
        let path = &target.path;
        if path.is("emails") || path.is("phoneNumbers") {
            return self.take_address(operation, before);
        }
        if target.which.is_some() {
            // Of what has several values, nothing else is kept.
            return Ok(());
        }
        let value = if *op == Op::Remove { &Value::Null } else { *value };
        let is = |name| path.is(name) && path.sub.is_none();
        let of = |schema, name: &str| path.schema == Some(schema) && path.name.eq_ignore_ascii_case(name);
        let mut fact = |fact: Fact| text_of(value, at).map(|text| drop(self.facts.insert(fact, text)));
        match () {
            () if is("preferredLanguage") => fact(Fact::Language),
            () if is("userType") => fact(Fact::UserType),
            () if of(ENTERPRISE, "department") => fact(Fact::Department),
            () if of(ENTERPRISE, "employeeNumber") => fact(Fact::EmployeeNumber),
            () if of(BELLTOWER, "wecomUserid") => fact(Fact::WecomUserid),
            () if of(BELLTOWER, "wechatOpenid") => fact(Fact::WechatOpenid),
            () if of(BELLTOWER, "attributes") => self.take_attribute(path.sub.as_deref(), value, at),
            () if is("userName") => {
                let name = text_of(value, at)?;
                let name =
                    name.ok_or_else(|| Error::fault(at, "invalid_value", "a person has a `userName`"))?;
                self.user_name = Some(name);
                Ok(())
            }
            () if is("externalId") => {
                self.external_id = Some(external_id_of(value, at)?);
                Ok(())
            }
            () if is("active") => {
                self.active = flag_of(value, at)?;
                Ok(())
            }
            () if is("displayName") => {
                self.display_name = Some(text_of(value, at)?);
                Ok(())
            }
            () if path.is("name") && path.sub_is("formatted") => {
                self.formatted = Some(text_of(value, at)?);
                Ok(())
            }
            () if path.is("name") && path.sub_is("givenName") => {
                self.given_name = text_of(value, at)?;
                Ok(())
            }
            () if path.is("name") && path.sub_is("familyName") => {
                self.family_name = text_of(value, at)?;
                Ok(())
            }
            () => Ok(()),
        }
    }

    fn take_attribute(&mut self, name: Option<&str>, value: &Value, at: &str) -> Result<()> {
        match name {
            Some(name) => {
                self.attributes.insert(name.to_owned(), value.clone());
                Ok(())
            }
            None if value.is_null() => {
                let detail = "name the attribute that is to go: `…:User:attributes.NAME`";
                Err(Error::fault(at, "invalid_path", detail))
            }
            None => Err(Error::fault(at, "invalid_value", "send an object of attributes")),
        }
    }

    /// A person has one address of each kind here: at work, and a mobile telephone.
    fn take_address(&mut self, operation: &Operation<'_>, before: Option<&User>) -> Result<()> {
        let Operation { op, target, value, at } = operation;
        let (fact, kind, word) = if target.path.is("emails") {
            (Fact::Email, AddressKind::Email, "work")
        } else {
            (Fact::Mobile, AddressKind::Mobile, "mobile")
        };
        let stands = match self.facts.get(&fact) {
            Some(said) => said.clone(),
            None => before.and_then(|user| user.person.address(kind)).map(str::to_owned),
        };
        if let Some(which) = &target.which
            && !chooses(which, word, stands.as_deref())
        {
            return if *op == Op::Replace && names_value(which) {
                Err(Error::fault(at, "no_target", "there is no such value"))
            } else {
                Ok(())
            };
        }
        let is_whole = target.path.sub.is_none();
        if !is_whole && !target.path.sub_is("value") {
            // Whether it is the primary one or how it is called.
            return Ok(());
        }
        let said = match (op, value) {
            (Op::Remove, Value::Array(list)) if !list.is_empty() && is_whole => {
                let named = list.iter().any(|one| {
                    let one = one.get("value").unwrap_or(one);
                    one.as_str().is_some_and(|text| stands.as_deref().is_some_and(|now| same(text, now)))
                });
                if !named {
                    return Ok(());
                }
                None
            }
            (Op::Remove, _) => None,
            (_, Value::Array(list)) if is_whole && target.which.is_none() => {
                match chosen(list, word) {
                    // One more address of another kind changes nothing of the one that is kept, and a record without
                    // one of the kind says nothing of it.
                    None if *op == Op::Add || before.is_none() => return Ok(()),
                    None => None,
                    Some(one) => text_of(one, at)?,
                }
            }
            (_, value) => text_of(value, at)?,
        };
        self.facts.insert(fact, said);
        Ok(())
    }

    /// The name that was said; nothing where none was.
    fn name(&self) -> Option<String> {
        let of_parts = || {
            let parts = [self.family_name.as_deref(), self.given_name.as_deref()];
            let parts: Vec<_> = parts.into_iter().flatten().collect();
            // Chinese names have no space and the family first.
            let is_han =
                parts.iter().any(|part| part.chars().any(|c| ('\u{3400}'..='\u{9fff}').contains(&c)));
            match parts.as_slice() {
                [] => None,
                [one] => Some((*one).to_owned()),
                [family, given, ..] if is_han => Some(format!("{family}{given}")),
                [family, given, ..] => Some(format!("{given} {family}")),
            }
        };
        let said = [&self.display_name, &self.formatted].into_iter().find_map(|name| name.clone().flatten());
        said.or_else(of_parts)
    }

    /// The person after this was said of whoever they were before. `whole`: what is not said is cleared, as far as an
    /// identity system told it.
    ///
    /// # Errors
    ///
    /// Every fault of the person's record; `mutability` where another `userName` is said.
    pub fn applied(&self, before: &User, whole: bool) -> Result<User> {
        let campus_id = &before.person.campus_id;
        if self.user_name.as_ref().is_some_and(|name| !name.eq_ignore_ascii_case(campus_id)) {
            let detail = "`userName` is the campus id, which a person keeps: create another person instead";
            return Err(Error::fault("/userName", "mutability", detail));
        }
        let mut record = serde_json::to_value(&before.person).map_err(Error::internal)?;
        let is_cleared = !whole && self.display_name == Some(None);
        match self.name() {
            Some(name) => record["name"] = name.into(),
            None if before.person.name.is_empty() || is_cleared => {
                let detail = "a person has a name: send `displayName`, `name.formatted`, or `name.familyName` and \
                              `name.givenName`";
                return Err(Error::fault("/displayName", "invalid_value", detail));
            }
            None => {}
        }
        for (name, value) in &self.attributes {
            record["attributes"][name.as_str()] = value.clone();
        }
        let mut told = before.told;
        for fact in Fact::ALL {
            let said = match self.facts.get(&fact) {
                Some(said) => said.clone(),
                None if whole && told & fact.bit() != 0 => None,
                None => continue,
            };
            told = if said.is_some() { told | fact.bit() } else { told & !fact.bit() };
            let (name, is_attribute) = fact.place();
            let into = if is_attribute { &mut record["attributes"] } else { &mut record };
            into[name] = json!(said);
        }
        let external_id = match &self.external_id {
            Some(said) => said.clone(),
            None if whole => None,
            None => before.external_id.clone(),
        };
        Ok(User {
            person: RecipientInput::read(campus_id, &record)?,
            active: self.active.unwrap_or(before.active),
            external_id,
            told,
        })
    }
}

#[cfg(test)]
mod tests;
