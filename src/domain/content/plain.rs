//! The text form of a body: what SMS carry and what mail readers without HTML show.

/// Puts lines together under quotation marks and list markers. Breaks are kept back until something follows, so the
/// text neither begins nor ends with one.
#[derive(Debug, Default)]
pub(super) struct Plain {
    text: String,
    prefixes: Vec<Prefix>,
    /// Line breaks to write before the next text.
    pending: usize,
    in_line: bool,
}

#[derive(Debug)]
enum Prefix {
    Quote,
    /// Written once, then made up for by as many spaces.
    Marker {
        marker: String,
        written: bool,
    },
}

impl Plain {
    /// At least this many line breaks before what follows: 1 ends the line, 2 leave a blank one.
    pub fn break_lines(&mut self, count: usize) {
        self.pending = self.pending.max(count);
        self.in_line = false;
    }

    /// The next line of the same paragraph.
    pub fn new_line(&mut self) {
        self.begin_line();
        self.break_lines(1);
    }

    pub fn quote(&mut self) {
        self.prefixes.push(Prefix::Quote);
    }

    pub fn item(&mut self, marker: String) {
        self.prefixes.push(Prefix::Marker { marker, written: false });
    }

    /// Ends the innermost quotation or item. An item without text still has its line.
    pub fn end_prefix(&mut self) {
        if let Some(Prefix::Marker { written: false, .. }) = self.prefixes.last() {
            self.begin_line();
        }
        self.prefixes.pop();
    }

    pub fn write(&mut self, text: &str) {
        for (n, line) in text.split('\n').enumerate() {
            if n > 0 {
                self.new_line();
            }
            if !line.is_empty() {
                self.begin_line();
                self.text.push_str(line);
            }
        }
    }

    fn begin_line(&mut self) {
        if self.in_line {
            return;
        }
        self.in_line = true;
        if !self.text.is_empty() {
            self.text.extend(std::iter::repeat_n('\n', self.pending));
        }
        self.pending = 0;
        for prefix in &mut self.prefixes {
            match prefix {
                Prefix::Quote => self.text.push_str("> "),
                Prefix::Marker { marker, written: true } => {
                    self.text.extend(std::iter::repeat_n(' ', marker.len()));
                }
                Prefix::Marker { marker, written } => {
                    self.text.push_str(marker);
                    *written = true;
                }
            }
        }
    }

    pub fn finish(self) -> String {
        self.text.trim_end().to_owned()
    }
}
