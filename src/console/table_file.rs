//! Tables to take along, as spreadsheets read them (RFC 4180).

use std::future::Future;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::stream;

use crate::{Error, Result};

/// What a file begins with: Excel takes it for UTF-8 by this.
pub const MARK: &str = "\u{feff}";
/// Rows read at once.
pub const CHUNK: u32 = 1_000;

/// The next rows as text, and where the rest begins.
pub type Piece<K> = (String, Option<K>);

/// A table as a file, however long it is: `read` is asked for one piece after another, beginning with `first`; where that
/// is nothing, the file has its heads only.
pub fn streamed<K, F, R>(name: &str, heads: &[String], first: Option<K>, read: F) -> HttpResponse
where
    K: 'static,
    F: Fn(K) -> R + 'static,
    R: Future<Output = Result<Piece<K>>> + 'static,
{
    let head = format!("{MARK}{}", row(heads.iter().map(String::as_str)));
    let pieces = stream::try_unfold(Some((head, first)), move |rest| {
        let rest = rest.map(|(head, from)| (head, from.map(&read)));
        async move {
            let Some((mut text, reading)) = rest else { return Ok::<_, Error>(None) };
            let mut from = None;
            if let Some(reading) = reading {
                let (rows, next) = reading.await?;
                text.push_str(&rows);
                from = next;
            }
            Ok(Some((Bytes::from(text), from.map(|from| (String::new(), Some(from))))))
        }
    });
    HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .streaming(pieces)
}

/// The last of a full piece, after which the rest begins.
pub fn last_of<T>(rows: &[T]) -> Option<&T> {
    rows.last().filter(|_| rows.len() == CHUNK as usize)
}

/// One row with its end.
pub fn row<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<_> = cells.into_iter().map(quoted).collect();
    cells.join(",") + "\r\n"
}

/// A cell that no spreadsheet takes for a formula.
fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_cell_or_becomes_a_formula() {
        assert_eq!(row(["a\"b", "=1+1", "x\ny", "-3"]), "\"a\"\"b\",\"'=1+1\",\"x\ny\",\"'-3\"\r\n");
    }
}
