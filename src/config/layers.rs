//! The raw values and where each comes from: file, environment, command line, the later over the earlier.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Problems};
use super::settings::{self, SETTINGS, Setting};
use super::{Config, DEFAULT_FILE};

/// Where a value, or a mistake, stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    #[default]
    Default,
    File {
        file: String,
        line: Option<usize>,
    },
    /// The variable's name.
    Environment(String),
    /// The option's name, such as `--listen`.
    Option(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line: Some(line) } => write!(f, "{file} line {line}"),
            Self::File { file, line: None } => f.write_str(file),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Option(name) => f.write_str(name),
        }
    }
}

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Raw {
    Text(String),
    List(Vec<String>),
    Bool(bool),
    Number(String),
    /// Something no setting takes; its kind in words, such as `a date`.
    Other(&'static str),
}

#[derive(Debug, Default)]
pub struct Layers {
    pub(super) values: BTreeMap<&'static str, (Raw, Origin)>,
    pub(super) problems: Vec<Problem>,
}

impl Layers {
    /// The file (without a name: [`DEFAULT_FILE`] if it is there), and over it the environment, of which only names that
    /// start with `BELLTOWER_` are looked at.
    pub fn read(path: Option<&Path>, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut layers = Self::default();
        let default = Path::new(DEFAULT_FILE);
        if let Some(path) = path.or_else(|| default.exists().then_some(default)) {
            layers.file(path);
        }
        layers.environment(environment);
        layers
    }

    /// Sets `setting` (one of the documented names) from the command line, over everything else.
    #[must_use]
    pub fn option(mut self, flag: &'static str, setting: &'static str, value: impl Into<String>) -> Self {
        debug_assert!(settings::find(setting).is_some(), "no such setting: {setting}");
        self.values.insert(setting, (Raw::Text(value.into()), Origin::Option(flag)));
        self
    }

    /// Types and checks every value.
    pub fn resolve(self) -> Result<Config, Problems> {
        settings::resolve(self)
    }

    fn file(&mut self, path: &Path) {
        let file = path.display().to_string();
        let refuse = |line, what: String, fix: &str| Problem {
            setting: String::new(),
            origin: Origin::File { file: file.clone(), line },
            what,
            fix: fix.to_owned(),
        };
        match std::fs::read(path) {
            Err(error) => self.problems.push(refuse(
                None,
                format!("the settings cannot be read: {error}"),
                "name a readable file with --config, or leave it out",
            )),
            Ok(bytes) => match str::from_utf8(&bytes) {
                Ok(text) => self.text(&file, text),
                Err(error) => self.problems.push(refuse(
                    Some(line_of(&bytes, error.valid_up_to())),
                    "the text is not UTF-8".to_owned(),
                    "save the file as UTF-8 (not GBK)",
                )),
            },
        }
    }

    /// Takes up TOML text; `file` is what it is called in problems.
    pub(super) fn text(&mut self, file: &str, text: &str) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut broken = BTreeSet::new();
        for error in errors {
            let line = error.span().map(|span| line_of(text.as_bytes(), span.start));
            // Only the first mistake of a line: the rest is mostly the parser's confusion about it.
            if line.is_some_and(|line| !broken.insert(line)) {
                continue;
            }
            let fix = match error.message() {
                "duplicate key" => "keep one of the two",
                _ => "write key = \"value\", with quotation marks around texts, under its [section]",
            };
            self.problems.push(Problem {
                setting: line.and_then(|line| setting_at(text, line)).unwrap_or_default().to_owned(),
                origin: Origin::File { file: file.to_owned(), line },
                what: format!("this is not TOML: {}", error.message()),
                fix: fix.to_owned(),
            });
        }
        let mut reader = FileReader { layers: self, file, text, broken: &broken };
        for (key, value) in table.get_ref() {
            reader.section(key, value);
        }
    }

    fn environment(&mut self, environment: impl IntoIterator<Item = (String, String)>) {
        // Sorted, so that two runs report alike.
        let ours: BTreeMap<String, String> = environment
            .into_iter()
            .filter(|(name, value)| name.starts_with("BELLTOWER_") && !value.is_empty())
            .collect();
        let mut set: BTreeMap<&'static str, (&str, &str)> = BTreeMap::new();
        for (name, value) in &ours {
            let Some(setting) = SETTINGS.iter().find(|s| s.short == Some(name) || s.variable() == *name)
            else {
                self.unknown_variable(name);
                continue;
            };
            if let Some((other, earlier)) = set.insert(setting.name, (name, value))
                && earlier != value
            {
                self.problems.push(Problem {
                    setting: setting.name.to_owned(),
                    origin: Origin::Environment(name.clone()),
                    what: format!("{other} says something else"),
                    fix: "keep one of the two".to_owned(),
                });
            }
            self.values.insert(setting.name, (setting.raw_text(value), Origin::Environment(name.clone())));
        }
    }

    /// Other programs' variables may start like ours: without the `__` of a setting, only what looks like a slip of a
    /// short form is refused.
    fn unknown_variable(&mut self, name: &str) {
        let long = name.contains("__");
        let known = SETTINGS.iter().filter_map(|setting| {
            if long { Some(setting.variable()) } else { setting.short.map(str::to_owned) }
        });
        let near = settings::nearest(name, known);
        if near.is_none() && !long {
            return;
        }
        self.problems.push(Problem {
            setting: String::new(),
            origin: Origin::Environment(name.to_owned()),
            what: "there is no such setting".to_owned(),
            fix: near.map_or_else(
                || "see docs/CONFIG.md for all of them, or unset it".to_owned(),
                |near| format!("did you mean {near}?"),
            ),
        });
    }
}

struct FileReader<'a> {
    layers: &'a mut Layers,
    file: &'a str,
    text: &'a str,
    /// Lines with a syntax error, about which enough was said.
    broken: &'a BTreeSet<usize>,
}

type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;

impl FileReader<'_> {
    fn section(&mut self, key: &Key<'_>, value: &Spanned<DeValue<'_>>) {
        let name = key.get_ref().as_ref();
        let known = SETTINGS.iter().any(|setting| setting.section() == name);
        match value.get_ref() {
            DeValue::Table(table) if known => {
                for (key, value) in table {
                    self.setting(name, key, value);
                }
            }
            DeValue::Table(_) => {
                let near = settings::nearest(name, SETTINGS.iter().map(Setting::section));
                let fix = match near {
                    Some(near) => format!("did you mean [{near}]?"),
                    None => format!("the sections are {}", settings::sections().join(", ")),
                };
                self.refuse(key, format!("[{name}]"), "there is no such section", fix);
            }
            _ if known => self.refuse(
                key,
                name.to_owned(),
                "this is a section",
                format!("write [{name}] on a line of its own and its settings below"),
            ),
            _ => {
                let near = settings::nearest(name, SETTINGS.iter().map(Setting::key))
                    .and_then(|near| SETTINGS.iter().find(|setting| setting.key() == near));
                let fix = match near {
                    Some(near) => format!("did you mean {} under [{}]?", near.key(), near.section()),
                    None => "see docs/CONFIG.md for all settings".to_owned(),
                };
                self.refuse(key, name.to_owned(), "there is no such setting outside a section", fix);
            }
        }
    }

    fn setting(&mut self, section: &str, key: &Key<'_>, value: &Spanned<DeValue<'_>>) {
        let name = format!("{section}.{}", key.get_ref());
        if let Some(setting) = settings::find(&name) {
            let origin = self.origin(value.span().start);
            if self.is_broken(&origin) {
                return;
            }
            self.layers.values.insert(setting.name, (raw(value.get_ref()), origin));
            return;
        }
        let mut siblings = SETTINGS.iter().filter(|s| s.section() == section).map(Setting::key);
        let near = settings::nearest(key.get_ref(), siblings.clone())
            .map(|near| format!("{section}.{near}"))
            .or_else(|| settings::nearest(&name, SETTINGS.iter().map(|s| s.name)).map(str::to_owned))
            .or_else(|| SETTINGS.iter().find(|s| s.key() == key.get_ref()).map(|s| s.name.to_owned()));
        let fix = match near {
            Some(near) => format!("did you mean {near}?"),
            None => format!("[{section}] has {}", siblings.by_ref().collect::<Vec<_>>().join(", ")),
        };
        self.refuse(key, name, "there is no such setting", fix);
    }

    fn refuse(&mut self, key: &Key<'_>, setting: String, what: &str, fix: String) {
        let origin = self.origin(key.span().start);
        if self.is_broken(&origin) {
            return;
        }
        self.layers.problems.push(Problem { setting, origin, what: what.to_owned(), fix });
    }

    fn is_broken(&self, origin: &Origin) -> bool {
        let Origin::File { line: Some(line), .. } = origin else { return false };
        let above = self.text.lines().zip(1..).take(*line);
        let header = above.filter(|(text, _)| text.trim_start().starts_with('[')).last();
        // Below a section's line that is broken, nothing is known to be in the wrong place.
        self.broken.contains(line) || header.is_some_and(|(_, line)| self.broken.contains(&line))
    }

    fn origin(&self, offset: usize) -> Origin {
        Origin::File { file: self.file.to_owned(), line: Some(line_of(self.text.as_bytes(), offset)) }
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Boolean(yes) => Raw::Bool(*yes),
        DeValue::Array(items) => items
            .iter()
            .map(|item| item.get_ref().as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .map_or(Raw::Other("a list of other things than texts"), Raw::List),
        DeValue::Integer(number) => Raw::Number(number.as_str().to_owned()),
        DeValue::Float(number) => Raw::Number(number.as_str().to_owned()),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Table(_) => Raw::Other("a section"),
    }
}

/// The setting that a line means to give, by its text alone, as the line cannot be parsed.
fn setting_at(text: &str, line: usize) -> Option<&'static str> {
    let (key, _) = text.lines().nth(line - 1)?.split_once('=')?;
    let section = text
        .lines()
        .take(line - 1)
        .filter_map(|above| above.trim().strip_prefix('[')?.strip_suffix(']'))
        .last()?;
    settings::find(&format!("{}.{}", section.trim(), key.trim())).map(|setting| setting.name)
}

fn line_of(text: &[u8], offset: usize) -> usize {
    1 + text.iter().take(offset).filter(|byte| **byte == b'\n').count()
}
