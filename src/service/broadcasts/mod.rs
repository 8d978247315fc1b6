//! Emergency broadcasts: one run of a scenario each, from the press to the all-clear.
//!
//! A press is one transaction: the broadcast, what was done, and the message that it sends, an ordinary one of the emergency
//! lane. Whatever is done later holds the broadcast's row and asks [`State::after`](crate::domain::emergency::State::after);
//! so of two who decide at the same instant one is told that the other was first.

mod after;
mod audience;
mod button;
mod changing;
mod once;
mod open;
mod press;
mod progress;
mod report;
mod rules;
mod second;
mod still;
mod telling;
mod time;
mod times;
mod views;
mod words;

pub use self::after::{Said, Stopped, all_clear, correct, stop, update};
pub use self::audience::{Foreseen, foresee, foresee_plan, foresee_waiting, foresee_words, may_choose};
pub(super) use self::button::{Fired, fire_button};
pub use self::once::{Answered, PressedView, press_once, prune, update_as};
pub(super) use self::once::{Once, once_only};
pub use self::open::{OpenBroadcast, open_now};
pub(super) use self::press::press_alert;
pub use self::press::{FreeText, Pressed, Pressing, press, press_seen, press_words};
pub(super) use self::progress::Lately;
pub use self::progress::{ChannelProgress, PartProgress, Progress, Reason, progress};
pub use self::report::{LONGEST_LESSON, Report, learn, note_report, report};
pub use self::rules::{OVERRIDE, Rules, change_rules, rules};
pub use self::second::{Changed, approve, edit, go_alone, reject, review, send_back, submit, withdraw};
pub(super) use self::still::stillness;
pub use self::time::tick;
pub use self::times::{Times, times};
pub use self::views::{
    BEYOND_DRILLS, acts, list, list_own, look, may_see, may_see_any, of_message, published, received, waiting,
};
pub use crate::store::broadcasts::{ActRow, BroadcastRow};
pub use crate::store::cap::ReceivedRow;

use super::{Caller, Services};
use crate::domain::emergency::{Hand, Run};
use crate::domain::operator::Permission;
use crate::domain::source::Right;
use crate::{Error, Result};

fn unknown() -> Error {
    Error::NotFound("broadcast")
}

/// What an operator needs to press such a one. Whoever may press what is live may drill, too.
pub const fn pressed_with(run: Run) -> Permission {
    match run {
        Run::Live | Run::Exercise => Permission::EmergencyFire,
        Run::Drill => Permission::EmergencyDrill,
    }
}

/// Who presses, if they may. A live key's word is as good as its source's right; a test key only drills.
fn hand(caller: &Caller, run: Run) -> Result<Hand> {
    match caller {
        Caller::Operator(operator) => {
            caller.require(pressed_with(run))?;
            Ok(Hand::Operator { on_duty: operator.on_duty })
        }
        Caller::Key(_) => {
            caller.require_right(Right::Broadcast)?;
            Ok(Hand::Key)
        }
        Caller::Command(_) => Ok(Hand::Command),
    }
}
