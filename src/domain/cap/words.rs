//! The words that elements choose from, as OASIS CAP 1.2 §3.2 lists them.

use std::fmt;

/// A type whose values are the words of one element.
pub trait Word: Copy + 'static {
    /// The name of the element.
    const ELEMENT: &'static str;
    /// In the order of the schema.
    const ALL: &'static [Self];

    /// The word as it stands in a document.
    fn as_str(self) -> &'static str;

    /// Case and white space count, as in the schema.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.as_str() == text)
    }
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident = $element:literal { $($(#[$of:meta])* $word:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$of])* $word),+ }

        impl Word for $name {
            const ELEMENT: &'static str = $element;
            const ALL: &'static [Self] = &[$(Self::$word),+];

            fn as_str(self) -> &'static str {
                match self { $(Self::$word => stringify!($word)),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// How the alert is to be handled (`status`, §3.2.1).
    Status = "status" {
        /// To be acted on by everybody it is for.
        Actual,
        /// To be acted on by those who take part in the exercise that `note` names.
        Exercise,
        /// For the network that passes alerts on.
        System,
        /// A technical test, to be disregarded by people.
        Test,
        /// Not to be acted on.
        Draft,
    }
}

words! {
    /// What the alert does to others (`msgType`, §3.2.1).
    MsgType = "msgType" {
        /// First word of an event.
        Alert,
        /// Replaces those it refers to.
        Update,
        /// Takes those it refers to back.
        Cancel,
        /// Says that those it refers to were received and accepted.
        Ack,
        /// Says that those it refers to were refused; `note` should say why.
        Error,
    }
}

words! {
    /// Whom the alert may be shown to (`scope`, §3.2.1).
    Scope = "scope" {
        /// Anybody.
        Public,
        /// Those whom `restriction` describes.
        Restricted,
        /// Those whom `addresses` lists.
        Private,
    }
}

words! {
    /// What kind of event it is (`category`, §3.2.2).
    Category = "category" {
        /// Of the earth, landslides included.
        Geo,
        /// Of the weather, floods included.
        Met,
        /// General emergency and public safety.
        Safety,
        /// Law enforcement, military and private security.
        Security,
        /// Rescue and recovery.
        Rescue,
        /// Fire suppression and rescue.
        Fire,
        /// Medical and public health.
        Health,
        /// Pollution and other matters of the environment.
        Env,
        /// Public and private transport.
        Transport,
        /// Utilities, telecommunication and other infrastructure.
        Infra,
        /// Chemical, biological, radiological, nuclear or explosive.
        CBRNE,
        Other,
    }
}

words! {
    /// What people should do (`responseType`, §3.2.2).
    ResponseType = "responseType" {
        /// Take shelter in place, or as `instruction` says.
        Shelter,
        /// Leave as `instruction` says.
        Evacuate,
        /// Get ready as `instruction` says.
        Prepare,
        /// Do a plan that was made before, which `instruction` names.
        Execute,
        /// Keep away from the event.
        Avoid,
        /// Watch for news.
        Monitor,
        /// Judge what is said. Not for public warnings.
        Assess,
        /// There is no danger any more.
        AllClear,
        /// Nothing is recommended.
        None,
    }
}

words! {
    /// How soon people should act (`urgency`, §3.2.2).
    Urgency = "urgency" {
        Immediate,
        /// Within the next hour.
        Expected,
        /// In the near future.
        Future,
        /// No longer.
        Past,
        Unknown,
    }
}

words! {
    /// How much life and property are in danger (`severity`, §3.2.2).
    Severity = "severity" { Extreme, Severe, Moderate, Minor, Unknown }
}

words! {
    /// How sure it is (`certainty`, §3.2.2).
    Certainty = "certainty" {
        /// It happened or is going on.
        Observed,
        /// More likely than not.
        Likely,
        Possible,
        /// Not expected.
        Unlikely,
        Unknown,
    }
}
