//! How many people can be reached by which channel, beside a list of them.

use askama::Template;

use super::posters::Poster;
use super::view::View;
use crate::service::coverage::Coverage;

#[derive(Debug, Template)]
#[template(path = "console/coverage.html")]
pub struct CoverageFragment {
    pub view: View,
    pub coverage: Coverage,
    /// Where people can bind what they are not reached by yet.
    pub posters: Vec<Poster>,
}
