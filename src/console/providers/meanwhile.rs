//! What became of a provider while its form was open. The form carries what it was made from, so that a save over somebody
//! else's is noticed, and told field by field: what only they changed is taken over, what both changed stays as typed.

use std::collections::BTreeMap;

use super::edit::ProviderForm;
use crate::clock::Timestamp;
use crate::console::form::Form;
use crate::console::view::View;

/// What stands for a secret, which no form has.
const HIDDEN: &str = "…";

/// What a form was made from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// When the provider had been changed last.
    pub seen: Timestamp,
    /// Its fields by their names, secrets hidden.
    fields: BTreeMap<String, String>,
}

/// Somebody else changed the provider while the form was open.
#[derive(Clone, Debug)]
pub struct Meanwhile {
    pub by: String,
    /// None: a secret was replaced, or it was switched on or off.
    pub changes: Vec<Change>,
}

/// A field that somebody else changed.
#[derive(Clone, Debug)]
pub struct Change {
    pub label: String,
    /// As it is now; empty where there is nothing.
    pub now: String,
    /// Something else was typed, and stands in the form.
    pub typed: bool,
}

impl Change {
    /// It takes more than a line.
    pub fn is_long(&self) -> bool {
        self.now.contains('\n') || self.now.chars().count() > 80
    }
}

impl Origin {
    pub(super) fn of(form: &ProviderForm, seen: Timestamp) -> Self {
        Self { seen, fields: fields(form).into_iter().map(|(name, value)| (name, value.shown)).collect() }
    }

    /// Of a form that comes back; `None` where it says nothing of the kind.
    pub(super) fn typed(form: &Form) -> Option<Self> {
        let seen = form.text("seen").parse().ok()?;
        Some(Self { seen: Timestamp(seen), fields: serde_json::from_str(form.exact("was")).ok()? })
    }

    /// As the form carries it.
    pub fn written(&self) -> String {
        serde_json::to_string(&self.fields).unwrap_or_default()
    }

    /// Takes over in `typed` what is another `now` and was not typed over; tells all that is another.
    pub(super) fn merged(&self, view: &View, now: &ProviderForm, typed: &mut ProviderForm) -> Vec<Change> {
        let mut before = fields(typed);
        let mut changes = Vec::new();
        for (name, now) in fields(now) {
            let was = self.fields.get(&name).map(String::as_str).unwrap_or_default();
            if now.shown == was {
                continue;
            }
            let theirs = before.remove(&name).map(|field| field.typed).unwrap_or_default();
            let is_typed = if now.is_secret {
                !theirs.is_empty()
            } else {
                ![was, now.shown.as_str()].contains(&theirs.as_str())
            };
            if !is_typed && !now.is_secret {
                typed.set(&name, &now.shown);
            }
            changes.push(Change { label: label(view, &name, typed), now: now.shown, typed: is_typed });
        }
        changes
    }
}

struct Value {
    /// As it may be shown, whatever it is kept as.
    shown: String,
    typed: String,
    is_secret: bool,
}

fn fields(form: &ProviderForm) -> BTreeMap<String, Value> {
    let plain = |text: &str| {
        let text = text.replace("\r\n", "\n").trim().to_owned();
        Value { shown: text.clone(), typed: text, is_secret: false }
    };
    let own =
        [("name", &form.name), ("priority", &form.priority), ("weight", &form.weight), ("rate", &form.rate)];
    let own = own.into_iter().map(|(name, text)| (name.to_owned(), plain(text)));
    let asked = form.settings.iter().map(|asked| {
        let value = if asked.setting.is_secret() {
            let shown = if asked.stored { HIDDEN.to_owned() } else { String::new() };
            Value { shown, typed: asked.value.clone(), is_secret: true }
        } else {
            plain(&asked.value)
        };
        (asked.name(), value)
    });
    own.chain(asked).collect()
}

fn label(view: &View, name: &str, form: &ProviderForm) -> String {
    match form.settings.iter().find(|asked| asked.name() == name) {
        Some(asked) => view.setting_text(asked.setting),
        None => view.t(&format!("provider-{name}")),
    }
}
