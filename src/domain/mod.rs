//! Facts and rules: what a message, a recipient or a delivery is and what may become of it. No I/O, no SQL, no HTTP.
//!
//! Read [`channel`], [`message`] and [`delivery`] first; [`topic`] and [`audience`] say whom a message is for,
//! [`routing`] what rules make of it, [`policy`] what people are spared, [`content`] what it says, [`sms_text`] how that is
//! billed as an SMS, [`shorten`] how it fits into one, [`suggest`] what it is likely about, [`answer`] what is said back,
//! [`source`], [`registration`], [`operator`] and [`grant`] who may ask, [`network`] from where, [`scim`] what identity systems
//! say of people, [`letterhead`] how the campus is called and shown, [`cap`] how alerts are written for other systems and read from
//! them, [`silence`] when somebody is missed, [`reading`] what a person may be asked by what they opened, [`sensitive`] which words somebody should have looked at, and
//! [`subscription`] what other applications are told.

pub mod address;
pub mod alarm;
pub mod answer;
pub mod audience;
pub mod button;
pub mod calendar;
pub mod cap;
pub mod channel;
pub mod content;
pub mod costs;
pub mod delivery;
pub mod document;
pub mod emergency;
pub mod fields;
pub mod filter;
pub mod grant;
pub mod group;
pub mod id;
pub mod letterhead;
pub mod likeness;
pub mod logo;
pub mod message;
pub mod network;
pub mod node;
pub mod operator;
pub mod policy;
pub mod provider;
pub mod quota;
pub mod reading;
pub mod recipient;
pub mod registration;
pub mod retention;
pub mod rights_change;
pub mod routing;
pub mod said;
pub mod scim;
pub mod sensitive;
pub mod shorten;
pub mod sign_in;
pub mod silence;
pub mod sms_text;
pub mod source;
pub mod subscription;
pub mod suggest;
pub mod suppression;
pub mod template;
pub mod topic;
pub mod traces;
pub mod trouble;
