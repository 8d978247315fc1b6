//! What the administrators ask of whoever signs in to the console.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::Fields;
use super::grant::Powers;
use super::operator::{Permission, Role};
use crate::error::Result;

/// Who must have a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorFor {
    #[default]
    Nobody,
    /// Whoever can change everything, and whoever can reach everybody at once.
    OwnersAndDuty,
    Everybody,
}

impl FactorFor {
    pub const ALL: [Self; 3] = [Self::Nobody, Self::OwnersAndDuty, Self::Everybody];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::OwnersAndDuty => "owners_and_duty",
            Self::Everybody => "everybody",
        }
    }

    /// Whether somebody of these powers must.
    pub fn includes(self, roles: &[String], powers: &Powers) -> bool {
        let is = |role: Role| roles.iter().any(|held| held == role.name());
        match self {
            Self::Nobody => false,
            // By what role ever they may change who is an owner.
            Self::OwnersAndDuty => {
                is(Role::Owner) || is(Role::DutyOfficer) || powers.reach(Permission::OperatorsEdit).is_some()
            }
            Self::Everybody => true,
        }
    }
}

/// Every field has a default, so that a document of an earlier version is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignInRules {
    /// Characters of a password.
    pub shortest_password: u32,
    /// A session nobody uses for so long ends.
    pub idle_minutes: u32,
    /// A session ends so long after it began, however much it is used.
    pub session_hours: u32,
    pub factor_for: FactorFor,
    /// Operators may come in by the university's own sign-in.
    pub campus_sign_in: bool,
    /// Whatever gives rights, or opens a way in, needs a second administrator.
    pub second_administrator: bool,
}

impl Default for SignInRules {
    fn default() -> Self {
        Self {
            shortest_password: 12,
            idle_minutes: 30,
            session_hours: 12,
            factor_for: FactorFor::Nobody,
            campus_sign_in: false,
            second_administrator: false,
        }
    }
}

impl SignInRules {
    /// Reads `{shortest_password?, …}`; what is left out is as usual.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`](crate::Error::Invalid) with every fault.
    pub fn read(value: &Value) -> Result<Self> {
        let usual = Self::default();
        let mut fields = Fields::of(value)?;
        let mut number = |name, bounds, usual| fields.number(name, bounds).unwrap_or(usual);
        let (shortest_password, idle_minutes, session_hours) = (
            number("shortest_password", 12..=64, usual.shortest_password),
            number("idle_minutes", 5..=480, usual.idle_minutes),
            number("session_hours", 1..=24, usual.session_hours),
        );
        let named = fields.text("factor_for", 20);
        let factor_for = match &named {
            Some(name) => FactorFor::ALL.into_iter().find(|who| who.name() == name),
            None => Some(usual.factor_for),
        };
        if factor_for.is_none() {
            fields.fault("factor_for", "invalid", "one of nobody, owners_and_duty, everybody");
        }
        let campus_sign_in = fields.value("campus_sign_in").and_then(Value::as_bool);
        let second_administrator = fields.value("second_administrator").and_then(Value::as_bool);
        fields.finish()?;
        let factor_for = factor_for.unwrap_or_default();
        let campus_sign_in = campus_sign_in.unwrap_or(usual.campus_sign_in);
        let second_administrator = second_administrator.unwrap_or(usual.second_administrator);
        Ok(Self {
            shortest_password,
            idle_minutes,
            session_hours,
            factor_for,
            campus_sign_in,
            second_administrator,
        })
    }

    pub const fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_minutes as u64 * 60)
    }

    pub const fn longest(&self) -> Duration {
        Duration::from_secs(self.session_hours as u64 * 3_600)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_are_read_with_every_fault() {
        let read =
            SignInRules::read(&json!({ "idle_minutes": 15, "factor_for": "owners_and_duty" })).unwrap();
        let expected =
            SignInRules { idle_minutes: 15, factor_for: FactorFor::OwnersAndDuty, ..SignInRules::default() };
        assert_eq!(read, expected);
        let document =
            json!({ "shortest_password": 8, "session_hours": 25, "factor_for": "owls", "pigeons": 1 });
        let Err(crate::Error::Invalid(faults)) = SignInRules::read(&document) else { panic!("read") };
        let at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(at, ["/shortest_password", "/session_hours", "/factor_for", "/pigeons"]);
    }

    #[test]
    fn some_roles_need_a_second_factor_sooner_than_others() {
        for (who, roles) in [
            (FactorFor::Nobody, &[][..]),
            (FactorFor::OwnersAndDuty, &[Role::Owner, Role::DutyOfficer]),
            (FactorFor::Everybody, Role::ALL),
        ] {
            for role in Role::ALL {
                let includes = who.includes(&[role.to_string()], &Powers::from(*role));
                assert_eq!(includes, roles.contains(role), "{} {role}", who.name());
            }
            let made = who.includes(&["看守".to_owned()], &Powers::from(Role::Owner));
            assert_eq!(made, !roles.is_empty(), "{}", who.name());
        }
    }
}
