//! A page in a state that a browser is to see.

use serde_json::json;

use crate::browser::person::Person;

/// A page, as it opens or with something done to it.
#[derive(Clone)]
pub(in crate::browser) struct Room {
    pub(in crate::browser) path: String,
    /// Which the browser's console complains of where it is an error's.
    pub(in crate::browser) status: u16,
    /// A script that does it, and one that says whether it is done.
    pub(in crate::browser) act: Option<(&'static str, &'static str)>,
}

pub(super) fn room(path: impl Into<String>) -> Room {
    Room { path: path.into(), status: 200, act: None }
}

impl Room {
    pub(in crate::browser) async fn enter(&self, person: &Person) {
        self.enter_from(None, person).await;
    }

    /// From the room before, whose page is not opened once more where it is the same and nothing was done to it.
    pub(in crate::browser) async fn enter_from(&self, before: Option<&Self>, person: &Person) {
        if before.is_none_or(|room| room.path != self.path || room.act.is_some()) {
            person.open(&self.path).await;
        }
        if let Some((act, is_done)) = self.act {
            person.script(act, json!([])).await;
            person.until(&format!("{} after {act}", self.path), is_done, json!([])).await;
        }
    }

    pub(super) fn answering(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// With its form sent as it stands.
    pub(super) fn refused(self) -> Self {
        let send =
            "const form = document.querySelector('form.form'); form.noValidate = true; form.requestSubmit()";
        let act =
            Some((send, "return document.querySelector('.field-error, .flash-amber, .refusal') !== null"));
        Self { act, ..self.answering(422) }
    }

    /// With its self-test over.
    pub(super) fn tested(self) -> Self {
        let test = "document.querySelector('form[action$=\"/test\"] button').click()";
        Self { act: Some((test, "return document.querySelector('#test') !== null")), ..self }
    }

    /// After its most prominent button.
    pub(super) fn unsubscribed(self) -> Self {
        let press = "document.querySelector('.button-main')?.click()";
        Self { act: Some((press, "return document.querySelector('.said, .state') !== null")), ..self }
    }

    /// With suggestions, for whoever has agreed to them.
    pub(super) fn agreed(self) -> Self {
        let agree = "document.querySelector('[name=act][value=on]')?.click()";
        let is_on = "return document.querySelector('[name=act][value=off]') !== null";
        Self { act: Some((agree, is_on)), ..self }
    }

    /// With its text shortened for SMS, anew each time, and what was left out of it.
    pub(super) fn shortened(self) -> Self {
        let shorten = "const form = document.querySelector('#title').form;
            const keys = [...form.querySelectorAll('[name=variant_key]')];
            keys.forEach((key, at) => {
                if (key.value !== 'sms') return;
                ['title', 'body'].forEach((of) => form.querySelectorAll(`[name=variant_${of}]`)[at].remove());
                key.remove();
            });
            form.noValidate = true;
            form.insertAdjacentHTML('beforeend', '<input type=\"hidden\" name=\"act\" value=\"shorten\">');
            form.submit()";
        let is_told = "return document.querySelector('.left-out li') !== null";
        Self { act: Some((shorten, is_told)), ..self }
    }

    /// With all its questions asked, one over the other.
    pub(super) fn asking(self) -> Self {
        let ask = "document.querySelectorAll('.dialog').forEach((dialog) => dialog.showPopover())";
        Self { act: Some((ask, "return document.querySelector('.dialog:popover-open') !== null")), ..self }
    }

    /// With what a change of the rules would have changed.
    pub(super) fn looking_back(self, act: &'static str) -> Self {
        Self { act: Some((act, "return document.querySelector('#hindsight .hint') !== null")), ..self }
    }

    /// With what is wrong with what it holds, which it was asked for.
    pub(super) fn found_fault_with(self, act: &'static str) -> Self {
        Self { act: Some((act, "return document.querySelector('.field-error') !== null")), ..self }
    }

    /// What a form would change, to be agreed to.
    pub(super) fn confirmed(self) -> Self {
        let send = "document.querySelector('form.form').requestSubmit()";
        Self { act: Some((send, "return document.querySelector('[name=step]') !== null")), ..self }
    }

    pub(super) fn with_menus_open(self) -> Self {
        let open = "document.querySelectorAll('details').forEach((menu) => menu.open = true)";
        Self { act: Some((open, "return document.querySelector('details[open]') !== null")), ..self }
    }

    /// With what the page folds away unfolded; the bar's menus, which would cover its crumbs, stay closed.
    pub(super) fn unfolded(self) -> Self {
        let open = "document.querySelectorAll('main details').forEach((fold) => fold.open = true)";
        Self {
            act: Some((open, "return document.querySelector('main details:not([open])') === null")),
            ..self
        }
    }
}
