//! A line of the conversation, understood.

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// EHLO or HELO.
    Hello {
        extended: bool,
    },
    /// LHLO: from now on each recipient of a mail gets an answer (RFC 2033 §4.2).
    LocalHello,
    /// With the size that was announced.
    Mail {
        size: Option<u64>,
    },
    Recipient(String),
    Data,
    Reset,
    Nothing,
    Quit,
    /// Known, and not done here.
    Refused,
    /// Known, and not written as it should be.
    Misspelt,
    Unknown,
}

impl Command {
    pub(super) fn read(line: &str) -> Self {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let argument = argument.trim();
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" | "LHLO" if argument.is_empty() => Self::Misspelt,
            "EHLO" => Self::Hello { extended: true },
            "HELO" => Self::Hello { extended: false },
            "LHLO" => Self::LocalHello,
            "MAIL" => path(argument, "FROM:").map_or(Self::Misspelt, |(_, parameters)| Self::Mail {
                size: parameters.split(' ').find_map(size),
            }),
            "RCPT" => {
                path(argument, "TO:").map_or(Self::Misspelt, |(path, _)| Self::Recipient(path.to_owned()))
            }
            "DATA" => Self::Data,
            "RSET" => Self::Reset,
            "NOOP" => Self::Nothing,
            "QUIT" => Self::Quit,
            "VRFY" | "EXPN" | "HELP" | "AUTH" | "STARTTLS" | "BDAT" | "TURN" | "ETRN" => Self::Refused,
            _ => Self::Unknown,
        }
    }
}

/// What stands between the angle brackets behind the keyword, and the parameters behind them.
fn path<'a>(argument: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let (found, rest) = argument.split_at_checked(keyword.len())?;
    let path = rest.trim_start().strip_prefix('<').filter(|_| found.eq_ignore_ascii_case(keyword))?;
    path.split_once('>').map(|(path, parameters)| (path, parameters.trim()))
}

fn size(parameter: &str) -> Option<u64> {
    let (name, value) = parameter.split_once('=')?;
    name.eq_ignore_ascii_case("SIZE").then(|| value.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_understood_in_any_spelling() {
        for (line, expected) in [
            ("EHLO relay.campus.example", Command::Hello { extended: true }),
            ("helo relay", Command::Hello { extended: false }),
            ("LHLO relay", Command::LocalHello),
            ("EHLO", Command::Misspelt),
            ("MAIL FROM:<>", Command::Mail { size: None }),
            ("mail from: <a@b.example> BODY=8BITMIME size=1000", Command::Mail { size: Some(1_000) }),
            ("MAIL FROM:<> SIZE=99999999999999999999999", Command::Mail { size: Some(u64::MAX) }),
            ("MAIL FROM:a@b.example", Command::Misspelt),
            ("MAIL", Command::Misspelt),
            ("RCPT TO:<b+x@c.example> ORCPT=rfc822;y", Command::Recipient("b+x@c.example".to_owned())),
            ("RCPT TO:<", Command::Misspelt),
            ("RCPT TÖ:<a@b>", Command::Misspelt),
            ("DATA", Command::Data),
            ("rset", Command::Reset),
            ("NOOP x", Command::Nothing),
            ("QUIT", Command::Quit),
            ("STARTTLS", Command::Refused),
            ("GET / HTTP/1.1", Command::Unknown),
            ("", Command::Unknown),
        ] {
            assert_eq!(Command::read(line), expected, "{line}");
        }
    }
}
