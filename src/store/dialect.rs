//! The texts that differ between the two databases, side by side.

use std::fmt::Write as _;

/// Which database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// The type of a field in bulk input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Int,
    Text,
    Bool,
    /// A nested JSON value, taken out as JSON.
    Json,
}

impl Dialect {
    /// A parenthesised row source over one JSON array of objects bound as *text* at `param`, such as `$1`, with one
    /// column per field. Bulk input this way needs one parameter however many rows there are (SQLite allows 32,766,
    /// PostgreSQL 65,535) and one statement text however many rows there are, so it stays prepared.
    ///
    /// Use: `INSERT INTO t (a, b) SELECT a, b FROM {rows} AS x WHERE 1 = 1 ON CONFLICT …`.
    pub fn rows(self, param: &str, fields: &[(&str, Field)]) -> String {
        let mut text = String::new();
        match self {
            Self::Sqlite => {
                text.push_str("(SELECT ");
                for (i, (name, field)) in fields.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    let arrow = if *field == Field::Json { "->" } else { "->>" };
                    let _ = write!(text, "{comma}value {arrow} '$.{name}' AS {name}");
                }
                let _ = write!(text, " FROM json_each({param}))");
            }
            Self::Postgres => {
                text.push_str("(SELECT * FROM jsonb_to_recordset(");
                let _ = write!(text, "CAST({param} AS jsonb)) AS r(");
                for (i, (name, field)) in fields.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    let kind = match field {
                        Field::Int => "bigint",
                        Field::Text => "text",
                        Field::Bool => "boolean",
                        Field::Json => "jsonb",
                    };
                    let _ = write!(text, "{comma}{name} {kind}");
                }
                text.push_str("))");
            }
        }
        text
    }

    /// A parenthesised list for `IN` over one JSON array of integers bound as text.
    pub fn int_list(self, param: &str) -> String {
        match self {
            Self::Sqlite => format!("(SELECT value FROM json_each({param}))"),
            Self::Postgres => {
                format!(
                    "(SELECT CAST(e AS bigint) FROM jsonb_array_elements_text(CAST({param} AS jsonb)) AS e)"
                )
            }
        }
    }

    /// Whether a column is one of a JSON array of integers bound as text. PostgreSQL plans by which these are, where
    /// [`int_list`](Self::int_list) tells it nothing: for a column whose values stand in very different numbers of rows, such as the
    /// message of a delivery.
    pub fn is_among(self, column: &str, param: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} IN {}", self.int_list(param)),
            Self::Postgres => format!("{column} = ANY (CAST(translate({param}, '[]', '{{}}') AS bigint[]))"),
        }
    }

    /// A parenthesised list for `IN` over one JSON array of strings bound as text.
    pub fn text_list(self, param: &str) -> String {
        match self {
            Self::Sqlite => format!("(SELECT value FROM json_each({param}))"),
            Self::Postgres => format!("(SELECT jsonb_array_elements_text(CAST({param} AS jsonb)))"),
        }
    }

    /// Whether an indexed `column` holds one of a JSON array of strings bound as text. PostgreSQL is made to look each of
    /// them up: while a table fills, it does not know how large it is, and would go through all of it for each.
    pub fn is_listed(self, column: &str, param: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} IN {}", self.text_list(param)),
            Self::Postgres => format!("{column} = ANY (ARRAY{})", self.text_list(param)),
        }
    }

    /// A text to sort by as its bytes are, and not as a language has it.
    pub fn by_bytes(self, text: &str) -> String {
        match self {
            Self::Sqlite => text.to_owned(),
            Self::Postgres => format!("{text} COLLATE \"C\""),
        }
    }

    /// As [`lock`](Self::lock), for the rows of one table of a join.
    pub fn lock_of(self, alias: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => format!(" FOR UPDATE OF {alias}"),
        }
    }

    /// As [`lock_content`](Self::lock_content), for the rows of one table of a join.
    pub fn lock_content_of(self, alias: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => format!(" FOR NO KEY UPDATE OF {alias}"),
        }
    }

    /// Follows a `SELECT … LIMIT` that picks rows to claim: rows another node is claiming are passed over.
    pub const fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Follows a `SELECT` whose rows nobody else may change before the transaction ends. SQLite has one writer anyway.
    pub const fn lock(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE",
        }
    }

    /// As [`lock`](Self::lock), but rows that refer to these may be written meanwhile. Whoever has just written some holds
    /// a share of what they refer to: two of them that both asked for the whole lock would wait for one another.
    pub const fn lock_content(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR NO KEY UPDATE",
        }
    }

    /// Has whoever names the same text `$1` of the same number `$2` wait until the transaction ends. SQLite has one writer anyway.
    pub const fn hold(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SELECT pg_advisory_xact_lock(hashtextextended($1, $2))"),
        }
    }

    /// The moment leases are reckoned from: PostgreSQL's own clock, so that a node with a wrong one steals nothing;
    /// on SQLite, where one process dispatches, the moment bound at `param`.
    pub fn lease_now(self, param: &str) -> String {
        match self {
            Self::Sqlite => param.to_owned(),
            Self::Postgres => {
                format!(
                    "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) + 0 * CAST({param} AS bigint)"
                )
            }
        }
    }

    /// Containment of the text `part`, a parameter or a constant, in `column`.
    pub fn holds(self, column: &str, part: &str) -> String {
        match self {
            Self::Sqlite => format!("instr({column}, {part}) > 0"),
            Self::Postgres => format!("strpos({column}, {part}) > 0"),
        }
    }

    /// Holds of messages that name people one by one, in the words of the index `message_naming`.
    pub fn names_people(self) -> String {
        let names = ["recipients", "where", "to"].map(|key| self.holds("audience", &format!("'\"{key}\":'")));
        format!("(personalise IS NOT NULL OR {})", names.join(" OR "))
    }

    /// The attribute of that name in a column of attributes, as text; NULL where there is none. The name is one of ours.
    pub fn attribute(self, column: &str, name: &str) -> String {
        match self {
            Self::Sqlite => format!("CAST(json_extract({column}, '$.\"{name}\"') AS text)"),
            Self::Postgres => format!("({column} ->> '{name}')"),
        }
    }

    /// The greatest of several values, of which none is NULL.
    pub fn greatest(self, values: &[String]) -> String {
        match (self, values) {
            (_, [only]) => only.clone(),
            (Self::Sqlite, _) => format!("max({})", values.join(", ")),
            (Self::Postgres, _) => format!("GREATEST({})", values.join(", ")),
        }
    }

    /// Follows the table whose index must be used. PostgreSQL finds it by what the index costs.
    pub fn by_index(self, name: &str) -> String {
        match self {
            Self::Sqlite => format!(" INDEXED BY {name}"),
            Self::Postgres => String::new(),
        }
    }

    /// The members of the JSON object in `column` as rows of `key` and `value` under the alias `j`, and the value as text.
    pub fn each_attribute(self, column: &str) -> (String, &'static str) {
        match self {
            Self::Sqlite => (
                format!("json_each({column})"),
                "CASE j.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(j.value AS text) END",
            ),
            Self::Postgres => (format!("jsonb_each_text({column})"), "j.value"),
        }
    }

    /// ASCII-case-insensitive containment of the text bound at `param` in `column`, wildcards taken literally.
    pub fn contains(self, column: &str, param: &str) -> String {
        match self {
            // Several times as fast as `instr` over what `lower` makes of each row.
            Self::Sqlite => format!(
                r"{column} LIKE '%' || replace(replace(replace({param}, '\', '\\'), '%', '\%'), '_', '\_') || '%' ESCAPE '\'"
            ),
            Self::Postgres => format!("strpos(lower({column}), lower({param})) > 0"),
        }
    }
}
