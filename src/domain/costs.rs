//! What SMS cost, and what departments have for them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::fields::{Fields, pointer};
use super::id::ProviderId;
use crate::error::Result;

/// Ten-thousandths of a currency's unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(pub i64);

/// Digits behind the point.
const PLACES: usize = 4;
/// Digits before it.
const LONGEST: usize = 9;
const LONGEST_DEPARTMENT: usize = 200;

impl Money {
    /// So many times.
    #[must_use]
    pub const fn times(self, n: i64) -> Self {
        Self(self.0.saturating_mul(n))
    }
}

impl fmt::Display for Money {
    /// With two places at least: `0.045`, `12.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 10_000, self.0 % 10_000);
        let part = format!("{part:04}");
        let (cents, rest) = part.split_at(2);
        write!(f, "{whole}.{cents}{}", rest.trim_end_matches('0'))
    }
}

/// Not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAmount;

impl FromStr for Money {
    type Err = NoAmount;

    fn from_str(text: &str) -> Result<Self, NoAmount> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let fits = (1..=LONGEST).contains(&whole.len()) && part.len() <= PLACES;
        if !fits || !is_number(whole) || !is_number(part) {
            return Err(NoAmount);
        }
        format!("{whole}{part:0<PLACES$}").parse().map(Self).map_err(|_| NoAmount)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom("not an amount"))
    }
}

/// As the administrators set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Costs {
    /// Three letters (ISO 4217).
    pub currency: String,
    /// Of one segment; unknown where it is none.
    pub price: Option<Money>,
    /// Where a provider takes another price.
    pub providers: BTreeMap<ProviderId, Money>,
    /// Of a month, by department; the empty one is of what operators write.
    pub budgets: BTreeMap<String, Money>,
}

impl Default for Costs {
    fn default() -> Self {
        Self { currency: "CNY".to_owned(), price: None, providers: BTreeMap::new(), budgets: BTreeMap::new() }
    }
}

impl Costs {
    /// All of it as one word: whoever has another before their eyes has not seen this.
    pub fn word(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What a segment costs by a provider.
    pub fn price_of(&self, provider: ProviderId) -> Option<Money> {
        self.providers.get(&provider).copied().or(self.price)
    }

    /// Reads `{currency?, price?, providers?: {id: price}, budgets?: {department: amount}}`, amounts as texts; an empty text
    /// is none.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`](crate::Error::Invalid) with every fault.
    pub fn read(value: &Value) -> Result<Self> {
        let mut fields = Fields::of(value)?;
        let usual = Self::default();
        let currency = fields.text("currency", 3).unwrap_or(usual.currency);
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
            fields.fault("currency", "bad_currency", "three capital letters such as CNY");
        }
        let mut bad = Vec::new();
        let mut amount = |at: String, text: &Value| match text.as_str().map(str::trim) {
            Some("") => None,
            Some(text) if text.parse::<Money>().is_ok() => text.parse().ok(),
            _ => {
                bad.push(at);
                None
            }
        };
        let price = fields.value("price").and_then(|text| amount("/price".to_owned(), text));
        let entries = |value: Option<&Value>| -> Vec<(String, Value)> {
            value
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect()
        };
        let (by_provider, by_department) =
            (entries(fields.value("providers")), entries(fields.value("budgets")));
        let providers = by_provider
            .iter()
            .filter_map(|(id, text)| {
                Some((id.parse().ok()?, amount(format!("/providers{}", pointer(id)), text)?))
            })
            .collect();
        let budgets = by_department
            .iter()
            .filter(|(department, _)| department.chars().count() <= LONGEST_DEPARTMENT)
            .filter_map(|(department, text)| {
                Some((department.clone(), amount(format!("/budgets{}", pointer(department)), text)?))
            })
            .collect();
        let detail = "an amount such as 0.045, with at most four places";
        fields.extend(bad.into_iter().map(|at| crate::error::Fault::new(at, "bad_amount", detail)));
        fields.finish()?;
        Ok(Self { currency, price, providers, budgets })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Error;

    #[test]
    fn amounts_are_exact() {
        for (text, shown) in
            [("0.045", "0.045"), ("12.5", "12.50"), ("7", "7.00"), ("0.0001", "0.0001"), ("1.", "1.00")]
        {
            assert_eq!(text.parse::<Money>().unwrap().to_string(), shown);
        }
        assert_eq!("0.045".parse::<Money>().unwrap().times(2_408).to_string(), "108.36");
        for wrong in ["", "-1", "1,5", "0.00001", ".5", "1e3", "1234567890", "0.0 1"] {
            assert_eq!(wrong.parse::<Money>(), Err(NoAmount), "{wrong}");
        }
    }

    #[test]
    fn what_is_set_is_read_back_and_every_fault_is_told() {
        let id = ProviderId(3);
        let document = json!({
            "currency": "CNY", "price": "0.045", "providers": {id.to_string(): "0.05"},
            "budgets": {"教务处": "500", "": "80.5", "图书馆": ""},
        });
        let costs = Costs::read(&document).unwrap();
        assert_eq!((costs.price_of(id), costs.price_of(ProviderId(4))), (Some(Money(500)), Some(Money(450))));
        assert_eq!(costs.budgets.keys().collect::<Vec<_>>(), ["", "教务处"]);
        assert_eq!(serde_json::from_str::<Costs>(&costs.word()).unwrap(), costs);
        let wrong = json!({"currency": "yuan", "price": "x", "budgets": {"a/b": "-1"}});
        let Err(Error::Invalid(faults)) = Costs::read(&wrong) else { panic!() };
        let at: Vec<_> = faults.iter().map(|fault| &*fault.pointer).collect();
        assert!(
            at.contains(&"/currency") && at.contains(&"/price") && at.contains(&"/budgets/a~1b"),
            "{at:?}"
        );
    }
}
