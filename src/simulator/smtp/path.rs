//! The arguments of MAIL and RCPT (RFC 5321 §4.1.1.2–3, SMTPUTF8 of RFC 6531).

/// Local part, `@` and domain together (RFC 5321 §4.5.3.1.3).
const PATH_MAX: usize = 256;

/// Splits `FROM:<address> PARAMETER…` after its keyword. None if it is not of that form.
pub(super) fn split<'a>(argument: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let rest = argument.get(keyword.len()..)?;
    if !argument.as_bytes()[..keyword.len()].eq_ignore_ascii_case(keyword.as_bytes()) {
        return None;
    }
    let path = rest.trim_start().strip_prefix('<')?;
    let (mut quoted, mut escaped) = (false, false);
    let end = path.find(|character| {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' => return !quoted,
            _ => {}
        }
        false
    })?;
    let parameters = &path[end + 1..];
    (parameters.is_empty() || parameters.starts_with(' ')).then(|| (&path[..end], parameters.trim()))
}

/// Whether this can be somebody's address. Domains are not looked at closely: any campus has its own.
pub(super) fn is_address(path: &str) -> bool {
    let Some((local, domain)) = path.rsplit_once('@') else {
        return path.eq_ignore_ascii_case("postmaster");
    };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let plain =
        !local.is_empty() && !local.contains(|c: char| c.is_whitespace() || "<>()[],;:\\\"@".contains(c));
    path.len() <= PATH_MAX
        && !path.contains(char::is_control)
        && (quoted || plain)
        && !domain.is_empty()
        && !domain.contains(|c: char| c.is_whitespace() || "<>(),;\\\"".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_parameters() {
        for (argument, expected) in [
            ("FROM:<a@b.c>", Some(("a@b.c", ""))),
            ("from: <a@b.c> SIZE=10 BODY=8BITMIME", Some(("a@b.c", "SIZE=10 BODY=8BITMIME"))),
            ("FROM:<>", Some(("", ""))),
            (r#"FROM:<"a>\" b"@b.c> X"#, Some((r#""a>\" b"@b.c"#, "X"))),
            ("FROM:a@b.c", None),
            ("FROM:<a@b.c", None),
            ("FROM:<a@b.c>x", None),
            ("TO:<a@b.c>", None),
            ("FR", None),
            ("FRO考:<a@b.c>", None),
        ] {
            assert_eq!(split(argument, "FROM:"), expected, "{argument}");
        }
    }

    #[test]
    fn addresses() {
        for good in
            ["a@b.c", "Postmaster", "b+1-x@bounce.example", "\"a b\"@c", "李@例子.中国", "a@[127.0.0.1]"]
        {
            assert!(is_address(good), "{good}");
        }
        let long = format!("{}@b.c", "a".repeat(256));
        for bad in ["", "a", "@b.c", "a@", "a b@c", "a@b c", "a@b@c", "a\u{7}@b", "a,b@c", &long] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
