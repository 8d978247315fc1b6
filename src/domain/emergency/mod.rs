//! What is said when something is burning, and who may have it said: pre-approved scenarios, their texts, and rules.
//!
//! [`scenario`] is what an emergency looks like before it happens, [`reading`] takes one from JSON, [`lint`](mod@lint) says what is
//! wrong with it in the eyes of those who will read it, [`texts`] fills it in for one broadcast, and [`starters`] are those
//! that every installation begins with. [`state`] is where a broadcast stands and what may be done to it there, [`authority`]
//! whose press is enough, [`plan`] what one broadcast sends, and [`roll`] what people answer who are asked whether they are safe.

pub mod authority;
pub mod cap_facts;
pub mod cap_in;
pub mod cap_out;
pub mod free_text;
pub mod lint;
pub mod plan;
pub mod reading;
mod remark;
pub mod roll;
pub mod scenario;
pub mod starters;
pub mod state;
pub mod texts;
mod wording;

#[cfg(test)]
mod tests;

pub use self::authority::{Hand, HandKind, Needs, Press};
pub use self::cap_facts::{CapFacts, Category, Certainty, ResponseType, Severity, Urgency};
pub use self::lint::lint;
pub use self::plan::Plan;
pub use self::remark::{Gravity, Remark};
pub use self::roll::{Condition, Unit};
pub use self::scenario::{
    Escalation, Language, Level, Part, Placeholder, Run, Said, Scenario, Spoken, Texts,
};
pub use self::state::{Act, Illegal, Overridden, State};
pub use self::texts::{Chosen, choose};
