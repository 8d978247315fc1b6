//! Lists come in pages.

use std::fmt::Display;

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// A part of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageBody<T> {
    pub data: Vec<T>,
    /// Pass it as `?cursor=` to go on; null at the end.
    pub next_cursor: Option<String>,
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// 1–200, 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl<T> PageBody<T> {
    /// From up to `limit` + 1 entries: the one too many says that there are more. `cursor` names the last one shown.
    pub fn of<U, C: Display>(
        mut entries: Vec<U>,
        limit: u32,
        cursor: impl Fn(&U) -> C,
        body: impl Fn(U) -> T,
    ) -> Self {
        let more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        let next_cursor = entries.last().filter(|_| more).map(|last| cursor(last).to_string());
        Self { data: entries.into_iter().map(body).collect(), next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_entry_too_many_means_that_there_are_more() {
        let page = |entries: Vec<i32>| PageBody::of(entries, 2, |n| *n, |n| n * 10);
        assert_eq!(page(vec![3, 2, 1]).data, [30, 20]);
        assert_eq!(page(vec![3, 2, 1]).next_cursor.as_deref(), Some("2"));
        assert_eq!(page(vec![3, 2]).next_cursor, None);
        assert_eq!(page(Vec::new()).next_cursor, None);
    }
}
