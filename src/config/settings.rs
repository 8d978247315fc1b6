//! Every setting once: its names, its default and how its value is read. docs/CONFIG.md says the same in words.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use tracing_subscriber::EnvFilter;
use url::{Host, Url};

use super::address::AllowPrivate;
use super::broker::BrokerUrl;
use super::layers::{Layers, Origin, Raw};
use super::problem::{Problem, Problems};
use super::sign_in;
use super::values::{DatabaseUrl, Language, LogFormat, NodeRole, QueueUrl};
use super::{
    Campus, Config, Data, Email, Entry, Intake, Log, Metrics, Network, Queue, Secrets, Server, Store, Traces,
};

pub(super) struct Setting {
    /// `section.key`.
    pub(super) name: &'static str,
    /// Environment variable beside the regular `BELLTOWER_SECTION__KEY`.
    pub(super) short: Option<&'static str>,
    /// Takes several values, in the environment separated by commas.
    list: bool,
}

const fn one(name: &'static str, short: Option<&'static str>) -> Setting {
    Setting { name, short, list: false }
}

const fn many(name: &'static str, short: Option<&'static str>) -> Setting {
    Setting { name, short, list: true }
}

pub(super) const SETTINGS: [Setting; 27] = [
    one("server.listen", Some("BELLTOWER_LISTEN")),
    one("server.public_url", Some("BELLTOWER_PUBLIC_URL")),
    many("server.trusted_proxies", None),
    many("server.roles", Some("BELLTOWER_ROLES")),
    one("store.database", Some("BELLTOWER_DATABASE")),
    one("queue.url", Some("BELLTOWER_QUEUE")),
    one("data.directory", Some("BELLTOWER_DATA")),
    one("secrets.key_file", Some("BELLTOWER_SECRET_KEY_FILE")),
    one("campus.time_zone", None),
    one("campus.name", None),
    one("campus.language", None),
    one("log.format", None),
    one("log.level", None),
    one("metrics.listen", None),
    one("traces.endpoint", None),
    one("traces.share", None),
    many("network.allow_private", None),
    one("email.bounce_listen", None),
    one("intake.amqp", None),
    one("campus_sign_in.kind", None),
    one("campus_sign_in.url", None),
    one("campus_sign_in.client_id", None),
    one("campus_sign_in.client_secret", None),
    one("campus_sign_in.attribute", None),
    one("campus_sign_in.name_zh", None),
    one("campus_sign_in.name_en", None),
    one("campus_sign_in.ca_file", None),
];

impl Setting {
    pub(super) fn section(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(section, _)| section)
    }

    pub(super) fn key(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_, key)| key)
    }

    /// The regular environment variable.
    pub(super) fn variable(&self) -> String {
        format!("BELLTOWER_{}", self.name.replace('.', "__").to_ascii_uppercase())
    }

    /// A value of the environment, where everything is text.
    pub(super) fn raw_text(&self, value: &str) -> Raw {
        if self.list {
            Raw::List(value.split(',').map(|item| item.trim().to_owned()).collect())
        } else {
            Raw::Text(value.to_owned())
        }
    }
}

pub(super) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

pub(super) fn sections() -> Vec<&'static str> {
    let mut sections: Vec<_> = SETTINGS.iter().map(Setting::section).collect();
    sections.dedup();
    sections
}

/// The candidate a slip of the finger away from `name`: about one letter in four wrong, missing, doubled or swapped.
pub(super) fn nearest<T: AsRef<str>>(name: &str, candidates: impl IntoIterator<Item = T>) -> Option<T> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate.as_ref()), candidate))
        .filter(|(distance, _)| *distance <= 1 + name.len() / 5)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Why one value is refused, and what to write instead.
pub(super) struct Refusal {
    what: String,
    fix: String,
}

pub(super) fn refuse<T>(what: impl Into<String>, fix: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { what: what.into(), fix: fix.into() })
}

pub(super) struct Reader {
    values: BTreeMap<&'static str, (Raw, Origin)>,
    problems: Vec<Problem>,
}

impl Reader {
    /// The typed value; the default where it is not set, and where it is wrong, so that reading goes on to find the rest.
    pub(super) fn get<T>(
        &mut self,
        name: &'static str,
        default: T,
        read: impl FnOnce(&Raw) -> Result<T, Refusal>,
    ) -> T {
        let Some((raw, origin)) = self.values.get(name) else { return default };
        read(raw).unwrap_or_else(|Refusal { what, fix }| {
            let origin = origin.clone();
            self.problems.push(Problem { setting: name.to_owned(), origin, what, fix });
            default
        })
    }

    /// Whether it is given, soundly or not.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// A problem of a setting with others, where it is given.
    pub(super) fn add_if(&mut self, name: &'static str, what: &str, fix: &str) {
        let Some((_, origin)) = self.values.get(name) else { return };
        let (what, fix) = (what.to_owned(), fix.to_owned());
        self.problems.push(Problem { setting: name.to_owned(), origin: origin.clone(), what, fix });
    }
}

pub(super) fn resolve(Layers { values, problems }: Layers) -> Result<Config, Problems> {
    let mut reader = Reader { values, problems };
    let listen = reader.get("server.listen", SocketAddr::from(([127, 0, 0, 1], 8080)), listen_at);
    let public_url = reader.get("server.public_url", None, |raw| public_url(raw).map(Some));
    let trusted_proxies = reader.get("server.trusted_proxies", Vec::new(), trusted_proxies);
    let roles = reader.get("server.roles", vec![NodeRole::Web, NodeRole::Dispatch], roles);
    let directory = reader.get("data.directory", PathBuf::from("./data"), path);
    let database =
        reader.get("store.database", DatabaseUrl::Sqlite(directory.join("belltower.db")), database);
    let queue = reader.get("queue.url", QueueUrl::Local, queue);
    let key_file = reader.get("secrets.key_file", directory.join("secret.key"), path);
    let time_zone = reader.get("campus.time_zone", time_zone_of("Asia/Shanghai"), time_zone);
    let name = reader.get("campus.name", "钟楼大学".to_owned(), campus_name);
    let language = reader.get("campus.language", Language::SimplifiedChinese, language);
    let format = reader.get("log.format", None, |raw| log_format(raw).map(Some));
    let level = reader.get("log.level", "info".to_owned(), log_level);
    let metrics = reader.get("metrics.listen", None, |raw| listen_at(raw).map(Some));
    let endpoint = reader.get("traces.endpoint", None, |raw| collector(raw).map(Some));
    let share = reader.get("traces.share", 1.0, share);
    let allow_private = reader.get("network.allow_private", AllowPrivate::Nowhere, allow_private);
    let bounce_listen = reader.get("email.bounce_listen", None, |raw| listen_at(raw).map(Some));
    let amqp = reader.get("intake.amqp", false, truth);
    let campus_sign_in = sign_in::read(&mut reader);

    let Reader { values, mut problems } = reader;
    if !problems.is_empty() {
        problems.sort_by(|a, b| a.origin.cmp(&b.origin));
        return Err(Problems(problems));
    }
    let mut config = Config {
        server: Server { listen, public_url, trusted_proxies, roles },
        store: Store { database },
        queue: Queue { url: queue },
        data: Data { directory },
        secrets: Secrets { key_file },
        campus: Campus { time_zone, name, language },
        log: Log { format, level },
        metrics: Metrics { listen: metrics },
        traces: Traces { endpoint, share },
        network: Network { allow_private },
        email: Email { bounce_listen },
        intake: Intake { amqp },
        campus_sign_in,
        report: Vec::new(),
    };
    config.report = report(&config, &values);
    Ok(config)
}

fn report(config: &Config, values: &BTreeMap<&'static str, (Raw, Origin)>) -> Vec<Entry> {
    let proxies: Vec<_> = config.server.trusted_proxies.iter().map(ToString::to_string).collect();
    let roles: Vec<_> = config.server.roles.iter().map(|role| role.as_str()).collect();
    let shown = [
        config.server.listen.to_string(),
        config.server.public_url.as_ref().map_or("(from server.listen)".to_owned(), Url::to_string),
        if proxies.is_empty() { "(none)".to_owned() } else { proxies.join(",") },
        roles.join(","),
        config.store.database.to_string(),
        config.queue.url.to_string(),
        config.data.directory.display().to_string(),
        config.secrets.key_file.display().to_string(),
        config.campus.time_zone.iana_name().unwrap_or("UTC").to_owned(),
        config.campus.name.clone(),
        config.campus.language.as_str().to_owned(),
        config.log.format.map_or("(pretty on a terminal, else json)", LogFormat::as_str).to_owned(),
        config.log.level.clone(),
        config.metrics.listen.map_or("(at server.listen)".to_owned(), |listen| listen.to_string()),
        config.traces.endpoint.as_ref().map_or("(nowhere)".to_owned(), Url::to_string),
        config.traces.share.to_string(),
        config.network.allow_private.to_string(),
        config.email.bounce_listen.map_or("(nowhere)".to_owned(), |listen| listen.to_string()),
        config.intake.amqp.to_string(),
    ];
    SETTINGS
        .iter()
        .zip(shown.into_iter().chain(sign_in::shown(config.campus_sign_in.as_ref())))
        .map(|(setting, value)| Entry {
            setting: setting.name,
            value,
            origin: values.get(setting.name).map(|(_, origin)| origin.clone()).unwrap_or_default(),
        })
        .collect()
}

pub(super) fn text<'a>(raw: &'a Raw, fix: &str) -> Result<&'a str, Refusal> {
    match raw {
        Raw::Text(text) => Ok(text.trim()),
        Raw::List(_) => refuse("a text is expected, this is a list", fix),
        Raw::Bool(_) => refuse("a text is expected, this is true or false", fix),
        Raw::Number(_) => refuse("a text is expected, this is a number", fix),
        Raw::Other(kind) => refuse(format!("a text is expected, this is {kind}"), fix),
    }
}

/// The environment has nothing but texts.
fn truth(raw: &Raw) -> Result<bool, Refusal> {
    const FIX: &str = "write true or false";
    if let Raw::Bool(value) = raw {
        return Ok(*value);
    }
    match text(raw, FIX)? {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => refuse("this is neither true nor false", FIX),
    }
}

/// The collector that traces are told to.
fn collector(raw: &Raw) -> Result<Url, Refusal> {
    const FIX: &str =
        "write what stands before /v1/traces at the collector, such as \"http://127.0.0.1:4318\"";
    let text = text(raw, FIX)?;
    let Ok(url) = Url::parse(text) else {
        return refuse(format!("`{text}` is not a URL"), FIX);
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return refuse(format!("`{text}` is not an http or https URL"), FIX);
    }
    if !url.username().is_empty() || url.password().is_some() {
        let fix = "leave them out and give the header in OTEL_EXPORTER_OTLP_HEADERS";
        return refuse("the URL holds a name or password, which everyone would see", fix);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("nothing can follow the path", FIX);
    }
    Ok(url)
}

/// A part of a whole, from 0 to 1.
fn share(raw: &Raw) -> Result<f64, Refusal> {
    const FIX: &str = "write a number from 0 to 1, such as 0.1 for one in ten";
    let number = match raw {
        Raw::Number(number) => number,
        other => text(other, FIX)?,
    };
    match number.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => refuse(format!("`{number}` is no share of a whole"), FIX),
    }
}

fn listen_at(raw: &Raw) -> Result<SocketAddr, Refusal> {
    const FIX: &str =
        "write an address and port such as \"127.0.0.1:8080\", \"0.0.0.0:8080\" or \"[::]:8080\"";
    let text = text(raw, FIX)?;
    let text = text.strip_prefix("localhost:").map_or(text.to_owned(), |port| format!("127.0.0.1:{port}"));
    text.parse().or_else(|_| refuse(format!("`{text}` is not an address and port"), FIX))
}

fn public_url(raw: &Raw) -> Result<Url, Refusal> {
    const FIX: &str = "write what people type into the browser, such as \"https://bell.example.edu\"";
    let text = text(raw, FIX)?;
    let Ok(url) = Url::parse(text) else {
        return refuse(format!("`{text}` is not a URL"), FIX);
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return refuse(format!("`{text}` is not an http or https URL"), FIX);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("the URL holds a name or password, which everyone would see", FIX);
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return refuse("the URL goes beyond the host; belltower serves at the root of its host", FIX);
    }
    Ok(url)
}

fn trusted_proxies(raw: &Raw) -> Result<Vec<IpNet>, Refusal> {
    const FIX: &str =
        "write the addresses or ranges of your proxies, such as [\"127.0.0.1\", \"10.1.2.0/28\"]";
    let texts = match raw {
        Raw::List(texts) => texts.clone(),
        other => vec![text(other, FIX)?.to_owned()],
    };
    let mut networks = Vec::with_capacity(texts.len());
    for text in texts {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        match network {
            Ok(network) if network.prefix_len() == 0 => {
                return refuse(format!("`{text}` trusts everybody, who then could be anybody"), FIX);
            }
            Ok(network) => networks.push(network),
            Err(_) => return refuse(format!("`{text}` is not a range of addresses"), FIX),
        }
    }
    Ok(networks)
}

fn roles(raw: &Raw) -> Result<Vec<NodeRole>, Refusal> {
    const FIX: &str = "write [\"web\", \"dispatch\"], or one of the two";
    let names = match raw {
        Raw::List(names) => names.clone(),
        other => text(other, FIX)?.split(',').map(|name| name.trim().to_owned()).collect(),
    };
    let mut roles = Vec::new();
    for name in names {
        let role = match name.as_str() {
            "web" => NodeRole::Web,
            "dispatch" => NodeRole::Dispatch,
            _ => return refuse(format!("there is no role `{name}`"), FIX),
        };
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    if roles.is_empty() {
        return refuse("a process without any role does nothing", FIX);
    }
    Ok(roles)
}

/// Never repeats the value: it may hold a password.
fn database(raw: &Raw) -> Result<DatabaseUrl, Refusal> {
    const FIX: &str = "write \"sqlite://PATH\" or \"postgres://NAME:PASSWORD@HOST:5432/DATABASE\"";
    let text = text(raw, FIX)?;
    if let Some(path) = text.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return match path {
            "" => refuse("the path of the SQLite file is missing", FIX),
            _ if path.contains(":memory:") => {
                refuse("a store in memory forgets accepted messages at the first restart", FIX)
            }
            _ if path.contains('?') => refuse("a SQLite path takes no parameters", FIX),
            _ => Ok(DatabaseUrl::Sqlite(PathBuf::from(path))),
        };
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return match Url::parse(text) {
            Ok(url) => Ok(DatabaseUrl::Postgres(url)),
            Err(error) => refuse(
                format!("the PostgreSQL URL cannot be read: {error}"),
                "escape special characters of the password (@ is %40, / is %2F, # is %23)",
            ),
        };
    }
    refuse("the store is neither SQLite nor PostgreSQL", FIX)
}

/// Never repeats the value: it may hold a password.
fn queue(raw: &Raw) -> Result<QueueUrl, Refusal> {
    const FIX: &str = "write \"local\", or a broker's \"amqps://NAME:PASSWORD@HOST:5671/VHOST\"";
    match text(raw, FIX)? {
        "local" => Ok(QueueUrl::Local),
        broker if broker.starts_with("amqp:") || broker.starts_with("amqps:") => BrokerUrl::parse(broker)
            .map(|broker| QueueUrl::Broker(Box::new(broker)))
            .or_else(|what| refuse(what, FIX)),
        _ => refuse("there is no such queue", FIX),
    }
}

pub(super) fn path(raw: &Raw) -> Result<PathBuf, Refusal> {
    match text(raw, "write a path")? {
        "" => refuse("the path is empty", "write a path, or leave the setting out for its default"),
        path => Ok(PathBuf::from(path)),
    }
}

fn time_zone_of(name: &str) -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get(name).unwrap_or(jiff::tz::TimeZone::UTC)
}

fn time_zone(raw: &Raw) -> Result<jiff::tz::TimeZone, Refusal> {
    const FIX: &str = "write a name of the IANA time zone database, such as \"Asia/Shanghai\"";
    let name = text(raw, FIX)?;
    jiff::tz::TimeZone::get(name).or_else(|_| refuse(format!("there is no time zone `{name}`"), FIX))
}

fn campus_name(raw: &Raw) -> Result<String, Refusal> {
    const FIX: &str = "write the name recipients know, at most 64 characters";
    let name = text(raw, FIX)?;
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return refuse("the name is empty, too long or holds control characters", FIX);
    }
    Ok(name.to_owned())
}

fn language(raw: &Raw) -> Result<Language, Refusal> {
    const FIX: &str = "write \"zh-CN\" or \"en\"";
    let tag = text(raw, FIX)?;
    Language::from_tag(tag).map_or_else(|| refuse(format!("the language `{tag}` is not there"), FIX), Ok)
}

fn log_format(raw: &Raw) -> Result<LogFormat, Refusal> {
    const FIX: &str = "write \"pretty\" or \"json\"";
    match text(raw, FIX)? {
        "pretty" => Ok(LogFormat::Pretty),
        "json" => Ok(LogFormat::Json),
        other => refuse(format!("there is no log format `{other}`"), FIX),
    }
}

fn log_level(raw: &Raw) -> Result<String, Refusal> {
    const FIX: &str =
        "write off, error, warn, info, debug or trace, also by module: \"info,belltower=debug\"";
    let directives = text(raw, FIX)?;
    for directive in directives.split(',') {
        let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level).trim();
        let known = ["off", "error", "warn", "info", "debug", "trace"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(level));
        if !known {
            return refuse(format!("there is no log level `{level}`"), FIX);
        }
    }
    match EnvFilter::builder().parse(directives) {
        Ok(_) => Ok(directives.to_owned()),
        Err(error) => refuse(format!("`{directives}` cannot be read: {error}"), FIX),
    }
}

fn allow_private(raw: &Raw) -> Result<AllowPrivate, Refusal> {
    const FIX: &str = "write false, true or a list of ranges such as [\"10.0.0.0/8\", \"fd00::/8\"]";
    let ranges: Vec<&str> = match raw {
        Raw::Bool(true) => return Ok(AllowPrivate::Everywhere),
        Raw::Bool(false) => return Ok(AllowPrivate::Nowhere),
        Raw::List(items) => items.iter().map(String::as_str).collect(),
        other => vec![text(other, FIX)?],
    };
    match ranges.as_slice() {
        ["true"] => return Ok(AllowPrivate::Everywhere),
        ["false"] | [] => return Ok(AllowPrivate::Nowhere),
        _ => {}
    }
    let mut parsed = Vec::with_capacity(ranges.len());
    for range in ranges {
        match range.parse() {
            Ok(range) => parsed.push(range),
            Err(_) => return refuse(format!("`{range}` is not a range of addresses"), FIX),
        }
    }
    Ok(AllowPrivate::Ranges(parsed))
}

/// Whether a URL's host is this machine itself, where plain http does no harm.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
