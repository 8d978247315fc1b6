//! How far a broadcast is, and what of its page is renewed when something was done.

use askama::Template;

use super::doing::{AfterFragment, DoingFragment, WaitFragment};
use super::lines::{ActLine, ChannelLine, PartLine, ReasonLine};
use super::{Facts, HeadFragment};
use crate::console::counts::Counts;
use crate::console::emergency::href;
use crate::console::view::View;
use crate::domain::emergency::State;
use crate::domain::id::BroadcastId;

/// How far it is.
#[derive(Debug, Template)]
#[template(path = "console/emergency/live.html")]
pub struct LiveFragment {
    pub view: View,
    pub id: BroadcastId,
    pub version: i64,
    /// Whoever began it may go on alone by now.
    pub late: bool,
    /// How often it renews itself.
    pub pace: Option<&'static str>,
    pub state: State,
    pub has_gone_out: bool,
    pub is_planning: bool,
    pub people: u64,
    pub reached: u64,
    pub channels: Vec<ChannelLine>,
    pub reasons: Vec<ReasonLine>,
    pub parts: Vec<PartLine>,
    pub sees_messages: bool,
    pub sees_providers: bool,
    /// In the answer to the page that renews itself.
    pub wait: Option<WaitFragment>,
    /// Likewise: what else of it changed.
    pub changed: Option<Changed>,
}

impl LiveFragment {
    fn address(&self) -> String {
        format!("{}/progress?version={}&late={}", href(self.id), self.version, self.late)
    }

    /// Channels that have something to hand over and do not.
    fn stuck(&self) -> Vec<&ChannelLine> {
        self.channels.iter().filter(|line| line.stuck).collect()
    }

    fn sums(&self) -> Counts {
        self.channels.iter().fold(Counts::default(), |sum, line| sum.plus(&line.counts))
    }

    /// How many are reached, for whoever has it read out: in quarters, as every other figure of the page changes each second.
    /// Nothing while it is not known yet how many there are.
    fn said(&self) -> String {
        if !self.has_gone_out || self.is_planning || self.people == 0 {
            return String::new();
        }
        let state = self.view.broadcast_state_text(self.state);
        match self.reached.min(self.people) * 4 / self.people {
            0 => self.view.t1("reached-said-few", "state", state),
            4 => self.view.t1("reached-said-all", "state", state),
            quarters => self.view.t2("reached-said-share", "state", state, "percent", quarters * 25),
        }
    }

    /// Something was called back.
    fn recalls(&self) -> bool {
        self.channels.iter().any(|line| line.recalled() > 0)
    }
}

/// All that is renewed when something was done, and not before: nothing moves or folds under a finger.
#[derive(Debug)]
pub struct Changed {
    pub head: HeadFragment,
    pub doing: DoingFragment,
    pub after: AfterFragment,
    pub log: LogFragment,
}

/// What was done.
#[derive(Debug, Template)]
#[template(path = "console/emergency/log.html")]
pub struct LogFragment {
    pub view: View,
    pub facts: Option<Facts>,
    pub acts: Vec<ActLine>,
}
