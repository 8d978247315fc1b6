//! What kind of file an import is.

use encoding_rs::Encoding;

/// How people are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, in UTF-8.
    Ndjson,
    /// A table with the columns' names in its first row. Without a charset, the bytes tell.
    Csv { charset: Option<Charset> },
}

/// An encoding of text by its name on the web (<https://encoding.spec.whatwg.org/#names-and-labels>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(pub(super) &'static Encoding);

impl Charset {
    /// `None`: nobody knows it by this name.
    pub fn of(label: &str) -> Option<Self> {
        Encoding::for_label_no_replacement(label.as_bytes()).map(Self)
    }
}

impl Format {
    pub const CSV: Self = Self::Csv { charset: None };

    /// By the ending of the file's name, where that says it.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Some(Self::CSV),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }

    /// By how the file begins: JSON objects in braces, or else a table.
    pub fn of_beginning(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if bytes.trim_ascii_start().starts_with(b"{") { Self::Ndjson } else { Self::CSV }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_name_or_its_beginning() {
        for (name, format) in [
            ("people.csv", Some(Format::CSV)),
            ("2026.学生.CSV", Some(Format::CSV)),
            ("people.txt", Some(Format::CSV)),
            ("people.ndjson", Some(Format::Ndjson)),
            ("people.jsonl", Some(Format::Ndjson)),
            ("people.json", None),
            ("csv", None),
        ] {
            assert_eq!(Format::of_name(name), format, "{name}");
        }
        for (bytes, format) in [
            (b"{\"campus_id\"".as_slice(), Format::Ndjson),
            (b"\xef\xbb\xbf\r\n {", Format::Ndjson),
            (b"campus_id,name", Format::CSV),
            (b"\xff\xfe{\0", Format::CSV),
            (b"", Format::CSV),
        ] {
            assert_eq!(Format::of_beginning(bytes), format, "{bytes:?}");
        }
    }

    #[test]
    fn charsets_have_many_names() {
        for label in ["GBK", "gb2312", "gb18030", "utf-8", "UTF8", "utf-16le", "utf-16"] {
            assert!(Charset::of(label).is_some(), "{label}");
        }
        assert_eq!((Charset::of("klingon"), Charset::of("hz-gb-2312")), (None, None));
    }
}
