//! Where a broadcast stands, and what may be done to it there. Whoever changes one holds its row locked and asks
//! [`State::after`]; nothing else decides.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::scenario::Part;
use crate::domain::message::coded;

coded! {
    /// `draft` → `pending_approval` → `live` → `completed` or `stopped`; a second person may turn one down on the way.
    State {
        /// Written, and not handed in yet.
        Draft = 1 "draft",
        PendingApproval = 2 "pending_approval",
        /// Given back by a second person, with what to change.
        Returned = 3 "returned",
        Live = 4 "live",
        /// Its time is over, or all is well again.
        Completed = 5 "completed",
        /// Called off: what was not handed over never will be.
        Stopped = 6 "stopped",
        Rejected = 7 "rejected",
    }
}

impl State {
    /// Another press of the same attaches to it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::PendingApproval | Self::Returned | Self::Live)
    }

    /// It went out, if perhaps to nobody yet.
    pub const fn has_gone_out(self) -> bool {
        matches!(self, Self::Live | Self::Completed | Self::Stopped)
    }
}

coded! {
    /// Whether a broadcast went out without the second person it needed.
    Overridden {
        No = 0 "no",
        /// It did, and nobody has looked at that yet.
        Unseen = 1 "unseen",
        Seen = 2 "seen",
    }
}

coded! {
    /// What somebody, or time, does to a broadcast. Each is kept with who, from where, when, and the text as it was.
    Act {
        /// Began it.
        Press = 1 "press",
        /// Asked for a second person's word.
        Submit = 2 "submit",
        /// Changed its words or choices.
        Edit = 3 "edit",
        Approve = 4 "approve",
        Reject = 5 "reject",
        Return = 6 "return",
        /// Sent it without a second person, who did not come in time.
        Override = 7 "override",
        /// It went out.
        Launch = 8 "launch",
        /// Pressed the same while it was open.
        Attach = 9 "attach",
        Update = 10 "update",
        Stop = 11 "stop",
        Correct = 12 "correct",
        AllClear = 13 "all_clear",
        /// It was sent again, by other channels, to those who had not answered; without a roll call, to those whom none
        /// had reached.
        Escalate = 14 "escalate",
        /// Its time was over.
        Complete = 15 "complete",
        /// Nobody said a word while it was worth sending.
        Lapse = 16 "lapse",
        /// Taken back by whoever began it, before it went out.
        Withdraw = 17 "withdraw",
        /// Somebody looked afterwards at what had been sent without a second person.
        Review = 18 "review",
        /// Somebody wrote down what was learnt of it.
        Learn = 19 "learn",
    }
}

impl Act {
    /// Whoever did it had a hand in what is sent, and is nobody to approve it.
    pub const fn has_a_hand_in_it(self) -> bool {
        matches!(self, Self::Press | Self::Submit | Self::Edit | Self::Return)
    }
}

/// An act that is not for a broadcast in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Illegal {
    pub state: State,
    pub act: Act,
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, act } = self;
        let stands = match state {
            State::Draft => "is not handed in yet",
            State::PendingApproval => "waits for a second person",
            State::Returned => "was given back to whoever began it",
            State::Live => "is being sent",
            State::Completed => "is over",
            State::Stopped => "was stopped",
            State::Rejected => "was turned down, taken back or not decided in time",
        };
        write!(f, "`{act}` cannot be done: the broadcast {stands}")
    }
}

impl State {
    /// Where a broadcast stands after an act.
    ///
    /// # Errors
    ///
    /// [`Illegal`] where that is not done to one that stands here.
    pub const fn after(self, act: Act) -> Result<Self, Illegal> {
        use Act as A;
        let next = match (self, act) {
            (Self::Draft, A::Edit) => Self::Draft,
            (Self::Draft | Self::Returned, A::Submit) => Self::PendingApproval,
            (Self::Draft, A::Launch) => Self::Live,
            (Self::Draft | Self::PendingApproval | Self::Returned, A::Withdraw | A::Lapse) => Self::Rejected,
            (Self::PendingApproval, A::Edit | A::Attach) => Self::PendingApproval,
            (Self::PendingApproval, A::Approve | A::Override) => Self::Live,
            (Self::PendingApproval | Self::Returned, A::Reject) => Self::Rejected,
            (Self::PendingApproval, A::Return) => Self::Returned,
            (Self::Returned, A::Edit) => Self::Returned,
            (Self::Live, A::Update | A::Attach | A::Escalate) => Self::Live,
            // Nobody is to read it after they were told that it was false.
            (Self::Live, A::Stop | A::Correct) => Self::Stopped,
            (Self::Live, A::AllClear | A::Complete) => Self::Completed,
            (Self::Stopped, A::Correct | A::AllClear) => Self::Stopped,
            (Self::Completed, A::Correct | A::AllClear) => Self::Completed,
            (Self::Live | Self::Completed | Self::Stopped, A::Review | A::Learn) => self,
            _ => return Err(Illegal { state: self, act }),
        };
        Ok(next)
    }
}

impl Part {
    /// The act that sends it, where somebody decides to.
    pub const fn sent_by(self) -> Act {
        match self {
            Self::Alert => Act::Launch,
            Self::Update => Act::Update,
            Self::Correction => Act::Correct,
            Self::AllClear => Act::AllClear,
            Self::Escalation => Act::Escalate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is allowed, written out once more: each state with each act and where it leads.
    const TABLE: &[(State, &[(Act, State)])] = {
        use Act as A;
        use State as S;
        &[
            (
                S::Draft,
                &[
                    (A::Edit, S::Draft),
                    (A::Submit, S::PendingApproval),
                    (A::Launch, S::Live),
                    (A::Withdraw, S::Rejected),
                    (A::Lapse, S::Rejected),
                ],
            ),
            (
                S::PendingApproval,
                &[
                    (A::Edit, S::PendingApproval),
                    (A::Attach, S::PendingApproval),
                    (A::Approve, S::Live),
                    (A::Override, S::Live),
                    (A::Reject, S::Rejected),
                    (A::Return, S::Returned),
                    (A::Withdraw, S::Rejected),
                    (A::Lapse, S::Rejected),
                ],
            ),
            (
                S::Returned,
                &[
                    (A::Edit, S::Returned),
                    (A::Submit, S::PendingApproval),
                    (A::Reject, S::Rejected),
                    (A::Withdraw, S::Rejected),
                    (A::Lapse, S::Rejected),
                ],
            ),
            (
                S::Live,
                &[
                    (A::Attach, S::Live),
                    (A::Update, S::Live),
                    (A::Escalate, S::Live),
                    (A::Stop, S::Stopped),
                    (A::Correct, S::Stopped),
                    (A::AllClear, S::Completed),
                    (A::Complete, S::Completed),
                    (A::Review, S::Live),
                    (A::Learn, S::Live),
                ],
            ),
            (
                S::Stopped,
                &[
                    (A::Correct, S::Stopped),
                    (A::AllClear, S::Stopped),
                    (A::Review, S::Stopped),
                    (A::Learn, S::Stopped),
                ],
            ),
            (
                S::Completed,
                &[
                    (A::Correct, S::Completed),
                    (A::AllClear, S::Completed),
                    (A::Review, S::Completed),
                    (A::Learn, S::Completed),
                ],
            ),
            (S::Rejected, &[]),
        ]
    };

    #[test]
    fn every_act_is_tried_in_every_state() {
        let mut legal = 0;
        for state in State::ALL {
            let allowed = TABLE.iter().find(|(s, _)| s == state).unwrap().1;
            for act in Act::ALL {
                let expected = allowed.iter().find(|(a, _)| a == act).map(|(_, to)| *to);
                assert_eq!(state.after(*act).ok(), expected, "{state} {act}");
                match state.after(*act) {
                    Ok(_) => legal += 1,
                    Err(illegal) => {
                        assert!(illegal.to_string().starts_with(&format!("`{act}` cannot")), "{illegal}");
                    }
                }
            }
        }
        // No line of the table stands for a state or an act that was not tried.
        assert_eq!(legal, TABLE.iter().map(|(_, to)| to.len()).sum::<usize>());
    }

    #[test]
    fn nothing_goes_out_twice_or_comes_back() {
        for state in State::ALL.iter().filter(|state| !state.is_open()) {
            for act in Act::ALL {
                assert!(
                    state.after(*act).is_ok_and(|next| next == *state) || state.after(*act).is_err(),
                    "{state} {act}"
                );
            }
        }
        for act in [Act::Launch, Act::Approve, Act::Override] {
            assert!(State::Live.after(act).is_err(), "{act}");
        }
    }
}
