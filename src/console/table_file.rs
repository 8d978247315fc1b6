//! Tables to take along, as spreadsheets read them (RFC 4180).

/// What a file begins with: Excel takes it for UTF-8 by this.
pub const MARK: &str = "\u{feff}";

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
