//! What somebody sees of a message in an app of WeChat's, and what of it has no room there.

/// What is not known of it is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    pub title: Option<Cut>,
    pub text: Option<Cut>,
    /// The vendor's template by this id, which says more around its fields.
    pub template: Option<String>,
    /// Each with its value, or why the vendor would refuse it.
    pub fields: Filling,
    /// What can be pressed.
    pub buttons: Vec<String>,
}

/// The variables of a vendor's template, each with its value, or why the vendor would get none.
pub type Filling = Vec<(String, Result<Cut, String>)>;

/// A text that may have been cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    pub text: String,
    /// Characters that it lost.
    pub left_out: usize,
}

impl Cut {
    /// Of what is shown, which ends or goes on behind its last ellipsis where something of the `whole` is missing.
    pub(super) fn of(shown: &str, whole: &str) -> Self {
        let kept = ["…", "..."].iter().filter_map(|mark| shown.rfind(mark)).max();
        let kept = kept.map(|at| shown[..at].chars().count());
        let missing = kept.and_then(|kept| {
            let rest = whole.chars().skip(kept);
            let same = rest.clone().next().is_none_or(|next| matches!(next, '…' | '.'));
            (!same).then(|| rest.count())
        });
        Self { text: shown.to_owned(), left_out: missing.unwrap_or(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_counted() {
        let left_out = |shown, whole| Cut::of(shown, whole).left_out;
        assert_eq!(left_out("停水通知", "停水通知"), 0);
        assert_eq!(left_out("停水…", "停水通知"), 2);
        assert_eq!(left_out("停水…通知", "停水…通知"), 0, "the author's own");
        assert_eq!(left_out("停水…\nhttps://bell.example/m/x", "停水通知"), 2);
        assert_eq!(left_out("A-1...", "A-1234"), 3);
    }
}
