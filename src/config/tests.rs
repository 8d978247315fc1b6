use std::path::{Path, PathBuf};

use super::*;

/// A directory of its own, removed at the end.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        use std::os::unix::fs::DirBuilderExt as _;
        let path = std::env::temp_dir().join(format!("belltower-config-{:x}", rand::random::<u64>()));
        std::fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What a failed test leaves in the temporary directory hurts nobody.
        std::fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Settings from the text of a file and an environment.
fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, Problems> {
    let scratch = Scratch::new();
    let file = scratch.path().join("belltower.toml");
    std::fs::write(&file, text).unwrap();
    Config::load(Some(&file), environment(variables))
}

/// The problems as lines, with the file's directory left out.
fn problems(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let Err(Problems(problems)) = load(text, variables) else { return Vec::new() };
    problems
        .into_iter()
        .map(|mut problem| {
            if let Origin::File { file, .. } = &mut problem.origin {
                *file = "belltower.toml".to_owned();
            }
            problem.to_string()
        })
        .collect()
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let config = load("", &[]).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.public_url, None);
    assert_eq!(config.server.trusted_proxies, []);
    assert_eq!(config.server.roles, [NodeRole::Web, NodeRole::Dispatch]);
    assert_eq!(config.store.database.to_string(), "sqlite://./data/belltower.db");
    assert_eq!(config.queue.url, QueueUrl::Local);
    assert_eq!(config.data.directory, Path::new("./data"));
    assert_eq!(config.secrets.key_file, Path::new("./data/secret.key"));
    assert_eq!(config.campus.time_zone.iana_name(), Some("Asia/Shanghai"));
    assert_eq!(config.campus.language.as_str(), "zh-CN");
    assert_eq!(config.log.format, None);
    assert_eq!(config.log.level, "info");
    assert_eq!(config.metrics.listen, None);
    assert_eq!(config.email.bounce_listen, None);
    assert!(!config.intake.amqp);
    assert!(config.traces.endpoint.is_none());
    assert!(config.campus_sign_in.is_none());
    assert_eq!(config.network.allow_private, AllowPrivate::Nowhere);
    assert!(config.report.iter().all(|entry| entry.origin == Origin::Default));
}

#[test]
fn the_environment_goes_over_the_file_and_the_command_line_over_both() {
    let text = "[server]\nlisten = \"127.0.0.1:1000\"\nroles = [\"dispatch\"]\n[data]\ndirectory = \"d\"\n";
    let config = load(text, &[("BELLTOWER_LISTEN", "127.0.0.1:2000")]).unwrap();
    assert_eq!(config.server.listen.port(), 2000);
    assert_eq!(config.server.roles, [NodeRole::Dispatch]);
    assert_eq!(config.store.database, DatabaseUrl::Sqlite("d/belltower.db".into()));

    let config = Layers::read(None, environment(&[("BELLTOWER_SERVER__LISTEN", "127.0.0.1:2000")]))
        .option("--listen", "server.listen", "127.0.0.1:3000")
        .resolve()
        .unwrap();
    assert_eq!(config.server.listen.port(), 3000);
    assert_eq!(config.report[0].origin, Origin::Option("--listen"));
}

#[test]
fn every_setting_has_a_regular_variable_and_lists_are_split_at_commas() {
    let config = load(
        "",
        &[
            ("BELLTOWER_SERVER__ROLES", "web, dispatch"),
            ("BELLTOWER_NETWORK__ALLOW_PRIVATE", "10.0.0.0/8,fd00::/8"),
            ("BELLTOWER_SERVER__TRUSTED_PROXIES", "127.0.0.1, 10.1.2.0/28,::1"),
            ("BELLTOWER_CAMPUS__LANGUAGE", "en"),
            ("BELLTOWER_LOG__FORMAT", "json"),
            ("BELLTOWER_METRICS__LISTEN", "127.0.0.1:9464"),
            ("BELLTOWER_EMAIL__BOUNCE_LISTEN", "127.0.0.1:2527"),
            ("BELLTOWER_INTAKE__AMQP", "true"),
            ("BELLTOWER_QUEUE", ""),
            ("PATH", "/bin"),
        ],
    )
    .unwrap();
    assert_eq!(config.server.roles.len(), 2);
    assert_eq!(config.network.allow_private.to_string(), "10.0.0.0/8,fd00::/8");
    let proxies: Vec<_> = config.server.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["127.0.0.1/32", "10.1.2.0/28", "::1/128"]);
    assert_eq!(config.campus.language, Language::English);
    assert_eq!(config.log.format, Some(LogFormat::Json));
    assert_eq!(config.metrics.listen.map(|listen| listen.port()), Some(9464));
    assert_eq!(config.email.bounce_listen.map(|listen| listen.port()), Some(2527));
    assert!(config.intake.amqp);
}

#[test]
fn all_problems_of_a_file_come_at_once_each_with_its_line() {
    let text = r#"
[server]
listen = 8080
public_url = "ftp://bell"
roles = ["web", "sender"]

[store]
database = "mysql://root:s3cret@db/x"

[campus]
time_zone = "Asia/Shangai"
language = "fr"

[log]
level = "loud"
format = "xml"

[network]
allow_private = ["10.0.0.0/8", "home"]
"#;
    insta::assert_snapshot!(problems(text, &[]).join("\n"));
}

#[test]
fn unknown_settings_are_refused_with_a_suggestion() {
    let text = r#"
listen = "127.0.0.1:80"
colour = "red"
log = "info"
[sever]
listen = "127.0.0.1:80"
[server]
lissten = "127.0.0.1:80"
database = "sqlite://x.db"
whatever = 1
[elsewhere]
"#;
    let variables = [
        ("BELLTOWER_SERVER__LISTN", "x"),
        ("BELLTOWER_ABC__DEF", "x"),
        ("BELLTOWER_DATABSE", "x"),
        ("BELLTOWER_TEST_POSTGRES", "not ours to judge"),
    ];
    insta::assert_snapshot!(problems(text, &variables).join("\n"));
}

#[test]
fn broken_toml_is_reported_beside_the_other_problems() {
    let text = "[server]\nlisten = 127.0.0.1:8080\nroles = [\"boss\"]\n[server]\n";
    insta::assert_snapshot!(problems(text, &[]).join("\n"));
}

#[test]
fn a_section_without_its_bracket_is_the_only_fault_told() {
    let text = "[server\nlisten = \"127.0.0.1:80\"\nroles = [\"web\"]\n[campus]\nnmae = \"x\"\n";
    let said = problems(text, &[]);
    assert!(said[0].starts_with("belltower.toml line 1: this is not TOML: "), "{said:?}");
    assert_eq!(
        said[1..],
        ["belltower.toml line 5: campus.nmae: there is no such setting; did you mean campus.name?"]
    );
}

#[test]
fn a_broker_is_taken_or_refused_and_its_password_shown_nowhere() {
    let config = load("", &[("BELLTOWER_QUEUE", "amqp://bell:s3cret@mq/campus")]).unwrap();
    let QueueUrl::Broker(broker) = &config.queue.url else { panic!("{:?}", config.queue.url) };
    assert_eq!((broker.host.as_str(), broker.vhost.as_str()), ("mq", "campus"));
    assert!(!format!("{config:?}").contains("s3cret"));
    let shown = config.report.iter().find(|entry| entry.setting == "queue.url").unwrap();
    assert_eq!(shown.value, "amqp://bell:***@mq/campus");
    for wrong in ["amqp://bell:s3cret@mq:port", "amqp://bell:s3/cret@mq", "redis://bell:s3cret@mq"] {
        let said = problems("", &[("BELLTOWER_QUEUE", wrong)]).join("\n");
        assert!(said.contains("queue.url") && said.contains("amqps://NAME"), "{said}");
        assert!(!said.contains("s3"), "{said}");
    }
}

#[test]
fn a_share_is_a_number_of_a_file_or_a_text_of_the_environment() {
    for (text, variables, share) in [
        ("[traces]\nshare = 0.25", &[][..], 0.25),
        ("[traces]\nshare = 1", &[], 1.0),
        ("[traces]\nshare = \"0\"", &[], 0.0),
        ("", &[("BELLTOWER_TRACES__SHARE", "0.5")], 0.5),
    ] {
        assert_eq!(load(text, variables).unwrap().traces.share.to_string(), f64::to_string(&share), "{text}");
    }
    for share in ["1.5", "-1", "nan", "\"half\"", "true"] {
        let found = problems(&format!("[traces]\nshare = {share}"), &[]);
        assert!(found[0].ends_with("write a number from 0 to 1, such as 0.1 for one in ten"), "{found:?}");
    }
}

#[test]
fn a_collector_is_named_without_a_password() {
    for endpoint in ["ftp://here", "http://me:s3cret@here:4318", "http://here/?a=b", "here:4318"] {
        let found = problems(&format!("[traces]\nendpoint = \"{endpoint}\""), &[]);
        assert!(found[0].contains("traces.endpoint: ") && !found[0].contains("s3cret"), "{found:?}");
    }
}

#[test]
fn a_proxy_is_a_range_and_never_everybody() {
    let said = |value: &str| problems(&format!("[server]\ntrusted_proxies = {value}\n"), &[]).join("\n");
    assert_eq!(said("[\"10.0.0.0/8\"]"), "");
    assert_eq!(said("\"10.0.0.1\""), "");
    assert!(said("[\"proxy.example\"]").contains("`proxy.example` is not a range of addresses"));
    for everybody in ["0.0.0.0/0", "::/0"] {
        assert!(said(&format!("[\"{everybody}\"]")).contains("trusts everybody"), "{everybody}");
    }
}

#[test]
fn two_variables_for_one_setting_must_agree() {
    let agreed = [("BELLTOWER_LISTEN", "127.0.0.1:1"), ("BELLTOWER_SERVER__LISTEN", "127.0.0.1:1")];
    assert_eq!(problems("", &agreed), Vec::<String>::new());
    let disagreed = [("BELLTOWER_LISTEN", "127.0.0.1:1"), ("BELLTOWER_SERVER__LISTEN", "127.0.0.1:2")];
    assert!(problems("", &disagreed)[0].contains("keep one of the two"));
}

#[test]
fn a_missing_or_wrongly_encoded_file_says_so() {
    let missing = Config::load(Some(Path::new("no/such.toml")), []).unwrap_err().to_string();
    assert!(missing.starts_with("no/such.toml: the settings cannot be read"), "{missing}");
    let scratch = Scratch::new();
    let file = scratch.path().join("gbk.toml");
    std::fs::write(&file, b"[campus]\nname = \"\xd6\xd3\xc2\xa5\"\n").unwrap();
    let said = Config::load(Some(&file), []).unwrap_err().to_string();
    assert!(said.contains("line 2: the text is not UTF-8"), "{said}");
}

#[test]
fn passwords_are_in_no_form_of_a_configuration() {
    let config = load("[store]\ndatabase = \"postgres://bell:s3cret@db/belltower\"\n", &[]).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
    let wrong = problems("[store]\ndatabase = \"postgres://bell:s3cret@[db/belltower\"\n", &[]).join("\n");
    assert!(wrong.contains("store.database") && !wrong.contains("s3cret"), "{wrong}");
}

#[test]
fn links_start_with_the_public_url_or_a_reachable_address() {
    let config = load("", &[]).unwrap();
    let listening = "0.0.0.0:4711".parse().unwrap();
    assert_eq!(config.public_url(listening).as_str(), "http://127.0.0.1:4711/");
    let config = load("", &[("BELLTOWER_PUBLIC_URL", "https://bell.example.edu")]).unwrap();
    assert_eq!(config.public_url(listening).as_str(), "https://bell.example.edu/");
}

const EXAMPLE: &str = include_str!("../../docs/belltower.example.toml");

/// The example with the `# ` before settings and sections taken away.
fn uncommented() -> String {
    EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) => rest,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_example_is_valid_as_it_is_and_with_every_setting_taken_up() {
    assert_eq!(problems(EXAMPLE, &[]), Vec::<String>::new());
    let config = load(&uncommented(), &[]).map_err(|problems| problems.to_string()).unwrap();
    for entry in &config.report {
        assert!(matches!(entry.origin, Origin::File { .. }), "{} is missing from the example", entry.setting);
    }
}

#[test]
fn the_documentation_names_every_setting_and_variable() {
    let text = include_str!("../../docs/CONFIG.md");
    for setting in &settings::SETTINGS {
        assert!(text.contains(&format!("`{}`", setting.name)), "{}", setting.name);
        if let Some(short) = setting.short {
            assert!(text.contains(&format!("`{short}`")), "{short}");
        }
    }
}

#[test]
fn a_sign_in_is_read_and_its_secret_is_in_no_list() {
    let text = "[campus_sign_in]\nkind = \"oidc\"\nurl = \"https://id.example.edu\"\nclient_id = \"bell\"\n\
                attribute = \"employee_no\"\nname_en = \"NetID\"\n";
    let config = load(text, &[("BELLTOWER_CAMPUS_SIGN_IN__CLIENT_SECRET", "hush hush")]).unwrap();
    let sign_in = config.campus_sign_in.clone().unwrap();
    assert_eq!((sign_in.kind, sign_in.url.as_str()), (SignInKind::OpenIdConnect, "https://id.example.edu"));
    assert_eq!(
        (sign_in.client_id.as_deref(), sign_in.attribute.as_deref()),
        (Some("bell"), Some("employee_no"))
    );
    assert_eq!(sign_in.name.of(Language::English), "NetID");
    assert_eq!(sign_in.name.of(Language::SimplifiedChinese), "统一身份认证");
    let listed: Vec<_> =
        config.report.iter().map(|entry| format!("{}={}", entry.setting, entry.value)).collect();
    assert!(listed.contains(&"campus_sign_in.client_secret=(set)".to_owned()), "{listed:?}");
    assert!(!format!("{config:?}").contains("hush"));

    let cas = load("[campus_sign_in]\nkind = \"cas\"\nurl = \"http://127.0.0.1:8443/cas\"\n", &[]).unwrap();
    assert_eq!(cas.campus_sign_in.unwrap().attribute, None);
}

#[test]
fn what_does_not_make_a_sign_in_is_told_key_by_key() {
    let said = |lines: &str| problems(&format!("[campus_sign_in]\n{lines}\n"), &[]).join("\n");
    let oidc = "kind = \"oidc\"\nurl = \"https://id.example.edu\"\n";
    for (lines, expected) in [
        ("kind = \"saml\"".to_owned(), "there is no sign-in of the kind `saml`; write \"cas\" or \"oidc\""),
        ("url = \"https://cas.example.edu\"".to_owned(), "campus_sign_in.url: nobody says what kind"),
        ("kind = \"cas\"".to_owned(), "campus_sign_in.url is missing; add url, what stands before /login"),
        (oidc.to_owned(), "campus_sign_in.client_id is missing"),
        (oidc.to_owned(), "campus_sign_in.attribute is missing; add the claim"),
        (
            "kind = \"cas\"\nclient_id = \"bell\"".to_owned(),
            "campus_sign_in.client_id: CAS knows services by",
        ),
        (
            "kind = \"cas\"\nurl = \"http://cas.example.edu\"".to_owned(),
            "whoever is on the way can be anybody",
        ),
        (
            "kind = \"cas\"\nurl = \"http://a.localhost/cas\"".to_owned(),
            "whoever is on the way can be anybody",
        ),
        ("kind = \"cas\"\nurl = \"cas.example.edu\"".to_owned(), "this is not an https URL"),
        ("kind = \"cas\"\nurl = \"https://a:b@cas.example.edu\"".to_owned(), "holds a name or password"),
        ("kind = \"cas\"\nurl = \"https://cas.example.edu/?a\"".to_owned(), "has a query or a fragment"),
        (format!("{oidc}attribute = \"a b\""), "it is empty, too long or holds blanks"),
        (format!("{oidc}name_zh = \"\""), "the name is empty"),
        (format!("{oidc}client_secret = 7"), "campus_sign_in.client_secret: a text is expected"),
    ] {
        assert!(said(&lines).contains(expected), "{lines}\n{}", said(&lines));
    }
}
