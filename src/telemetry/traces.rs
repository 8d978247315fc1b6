//! Traces: where the time of a request and of a message went, told to a collector that the settings name, by OpenTelemetry's
//! protocol (OTLP over HTTP, in Protocol Buffers, <https://opentelemetry.io/docs/specs/otlp/>).
//!
//! Each message has a trace of its own, whose ids follow from the message's: whichever process plans it or hands it over goes
//! on with that trace, and nothing has to be kept or passed on for it. They follow from a secret, too, so that nobody else can
//! say something in that trace. A request goes on with its caller's trace (W3C Trace Context), and is linked with the traces of
//! the messages that it brought; how many requests are told is not for callers to say, who may be anybody.
//!
//! Parts bear names, numbers and ids; nothing of what a message says, and nobody's address.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
pub use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{
    FutureExt as _, Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status,
    TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{KeyValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, IdGenerator, ParentBasedSampler, RandomIdGenerator, Sampler,
    SamplingDecision, SamplingResult, SdkTracer, SdkTracerProvider, ShouldSample, Span, SpanData,
};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use url::Url;

use crate::domain::channel::ChannelKind;
use crate::domain::id::MessageId;

/// For a call to the collector.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// How long what was not told yet is waited for in the end.
const FAREWELL: Duration = Duration::from_secs(3);
/// Parts that wait to be told; what is more while the collector is away or slow is left out.
const WAITING: usize = 16_384;
/// Parts told in one call.
const AT_ONCE: usize = 1_024;
/// Messages that one part is linked with.
const LINKS: usize = 64;
/// Bytes of a collector's answer: it says at most how many parts it did not take.
const ANSWER: usize = 1 << 20;

/// What this process tells of its traces: nothing, unless a collector is named.
#[derive(Debug, Default)]
pub struct Traces(Option<Told>);

#[derive(Debug)]
struct Told {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    share: Sampler,
    /// [`Teller::secret`].
    secret: [u8; 32],
}

/// Who tells.
#[derive(Clone, Copy, Debug)]
pub struct Teller<'t> {
    /// The installation's own, that all its processes know: ids of messages' traces follow from it.
    pub secret: [u8; 32],
    /// This process among those of the installation.
    pub node: &'t str,
}

impl Traces {
    /// Tells the collector at `endpoint` (what stands before `/v1/traces`) of a share of all traces, from 0 to 1, by way of that
    /// client and in the runtime this is called in. Further headers come from `OTEL_EXPORTER_OTLP_HEADERS`.
    ///
    /// # Errors
    ///
    /// In words, where the exporter cannot be made.
    pub fn told_to(
        endpoint: &Url,
        share: f64,
        client: reqwest::Client,
        teller: Teller<'_>,
    ) -> Result<Self, String> {
        let address = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
        let trouble = Arc::default();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Calls { client, runtime: Handle::current(), trouble: Arc::clone(&trouble) })
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(TIMEOUT)
            .with_endpoint(address)
            .build()
            .map_err(|error| error.to_string())?;
        let batches =
            BatchConfigBuilder::default().with_max_queue_size(WAITING).with_max_export_batch_size(AT_ONCE);
        let exporter = Watched { exporter, trouble, away: AtomicBool::new(false) };
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build()).build();
        let share = Sampler::TraceIdRatioBased(share);
        let resource = Resource::builder()
            .with_service_name("belltower")
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", teller.node.to_owned()),
            ])
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(Share::new(share.clone()))
            .with_id_generator(Ids::default())
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("belltower");
        Ok(Self(Some(Told { provider, tracer, share, secret: teller.secret })))
    }

    /// The trace that a request belongs to: its caller's, where a `traceparent` says so, or one of its own. Empty where nothing is
    /// told. The request is [`answered`] within it. `method` is [known](super::known_method).
    pub fn request(&self, method: &'static str, traceparent: Option<&str>) -> Context {
        let Some(told) = &self.0 else { return Context::new() };
        let headers: HashMap<String, String> =
            traceparent.map(|text| ("traceparent".to_owned(), text.to_owned())).into_iter().collect();
        let caller = TraceContextPropagator::new().extract_with_context(&Context::new(), &headers);
        let told_as = if method == super::OTHER_METHOD { "_OTHER" } else { method };
        let builder = SpanBuilder::from_name(named(method))
            .with_kind(SpanKind::Server)
            .with_attributes([KeyValue::new("http.request.method", told_as)]);
        caller.with_span(told.tracer.build_with_context(builder, &caller))
    }

    /// A message's trace begins here, linked with the request that brought it.
    pub fn accepted(&self, message: MessageId, category: &'static str) {
        let Some(told) = &self.0 else { return };
        let (trace, span) = told.ids(message);
        let request = Context::current();
        let request = request.span();
        // Published at a broker it has none; and there is nothing behind a link to what is not told.
        let link = Some(request.span_context()).filter(|request| request.is_sampled());
        let builder = SpanBuilder::from_name("accept message")
            .with_kind(SpanKind::Producer)
            .with_attributes([of(message), KeyValue::new("belltower.category", category)])
            .with_links(link.cloned().map(Link::with_context).into_iter().collect());
        NEXT.set(Some((trace, span)));
        drop(told.tracer.build_with_context(builder, &Context::new()));
        // What is not told asks for no ids of its parts.
        NEXT.set(None);
        let root = told.root(message);
        if root.is_sampled() {
            request.add_link(root, Vec::new());
        }
    }

    /// A message is planned.
    pub fn planning(&self, message: MessageId) -> Part {
        self.part("plan message", SpanKind::Internal, message)
    }

    /// A provider is called with deliveries of these messages, of one channel: a part of the trace of the first that is told,
    /// linked with those of the others that are.
    pub fn call(
        &self,
        provider: &str,
        channel: ChannelKind,
        messages: impl IntoIterator<Item = MessageId>,
    ) -> Part {
        let Some(told) = &self.0 else { return Part(None) };
        let mut messages: Vec<_> = messages.into_iter().collect();
        let deliveries = messages.len();
        messages.sort_unstable();
        messages.dedup();
        let mut roots = messages.into_iter().map(|message| (message, told.root(message)));
        let Some((first, _)) = roots.find(|(_, root)| root.is_sampled()) else { return Part(None) };
        let mut part = self.part("call provider", SpanKind::Client, first);
        part.note("belltower.provider", provider.to_owned());
        part.note("belltower.channel", channel.name());
        part.note("belltower.deliveries", deliveries as i64);
        if let Some(span) = &mut part.0 {
            for (_, other) in roots.filter(|(_, root)| root.is_sampled()).take(LINKS) {
                span.add_link(other, Vec::new());
            }
        }
        part
    }

    /// Waits until all that ended was told, or cannot be.
    pub async fn flush(&self) {
        self.finish(|provider| provider.force_flush()).await;
    }

    /// Tells what was not told yet, and nothing from then on.
    pub async fn close(&self) {
        self.finish(|provider| provider.shutdown_with_timeout(FAREWELL)).await;
    }

    async fn finish<T: Send + 'static>(&self, last: impl FnOnce(SdkTracerProvider) -> T + Send + 'static) {
        let Some(told) = &self.0 else { return };
        let provider = told.provider.clone();
        // It blocks its thread, and the calls are made here.
        drop(tokio::task::spawn_blocking(move || last(provider)).await);
    }

    fn part(&self, name: &'static str, kind: SpanKind, message: MessageId) -> Part {
        let Some(told) = &self.0 else { return Part(None) };
        let within = Context::new().with_remote_span_context(told.root(message));
        let builder = SpanBuilder::from_name(name).with_kind(kind).with_attributes([of(message)]);
        Part(Some(told.tracer.build_with_context(builder, &within)))
    }
}

impl Told {
    /// Of a message's trace and of its first part.
    fn ids(&self, message: MessageId) -> (TraceId, SpanId) {
        let digest = Sha256::new().chain_update(self.secret).chain_update(message.0.to_be_bytes()).finalize();
        let (mut trace, mut span) = ([0; 16], [0; 8]);
        trace.copy_from_slice(&digest[..16]);
        span.copy_from_slice(&digest[16..24]);
        (TraceId::from_bytes(trace), SpanId::from_bytes(span))
    }

    /// What parts of a message's trace hang by, told or not: every process decides alike.
    fn root(&self, message: MessageId) -> SpanContext {
        let (trace, span) = self.ids(message);
        let sampled = self.share.should_sample(None, trace, "", &SpanKind::Producer, &[], &[]).decision;
        let flags = TraceFlags::default().with_sampled(sampled == SamplingDecision::RecordAndSample);
        SpanContext::new(trace, span, flags, true, TraceState::NONE)
    }
}

fn of(message: MessageId) -> KeyValue {
    KeyValue::new("belltower.message", message.to_string())
}

/// A part of a message's trace: it lasts until this is dropped.
#[derive(Debug, Default)]
pub struct Part(Option<Span>);

impl Part {
    pub fn note(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(span) = &mut self.0 {
            span.set_attribute(KeyValue::new(name, value));
        }
    }

    /// It came to nothing, for a reason in one word.
    pub fn failed(&mut self, why: &'static str) {
        if let Some(span) = &mut self.0 {
            span.set_status(Status::error(why));
        }
    }
}

/// Does something as part of that trace.
pub fn within<F: Future>(trace: Context, doing: F) -> impl Future<Output = F::Output> {
    doing.with_context(trace)
}

/// The id of a trace that is told, for lines of the log.
pub fn id(trace: &Context) -> Option<TraceId> {
    let span = trace.span();
    let context = span.span_context();
    context.is_sampled().then(|| context.trace_id())
}

/// The request whose trace this is was answered. `route` is the pattern of its path, empty where nothing is there.
pub fn answered(method: &'static str, route: &str, status: u16) {
    let trace = Context::current();
    let span = trace.span();
    if !span.is_recording() {
        return;
    }
    if !route.is_empty() {
        span.update_name(format!("{} {route}", named(method)));
        span.set_attribute(KeyValue::new("http.route", route.to_owned()));
    }
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
    if status >= 500 {
        span.set_attribute(KeyValue::new("error.type", status.to_string()));
        span.set_status(Status::error(""));
    }
    span.end();
}

/// As parts are named by a method.
fn named(method: &'static str) -> &'static str {
    if method == super::OTHER_METHOD { "HTTP" } else { method }
}

thread_local! {
    /// Of the part that is built next in this thread, where they are not random.
    static NEXT: Cell<Option<(TraceId, SpanId)>> = const { Cell::new(None) };
}

/// Makes ids, but for those that follow from a message's.
#[derive(Debug, Default)]
struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        NEXT.get().map_or_else(|| self.0.new_trace_id(), |(trace, _)| trace)
    }

    fn new_span_id(&self) -> SpanId {
        NEXT.get().map_or_else(|| self.0.new_span_id(), |(_, span)| span)
    }
}

/// Which parts are told. Of requests a share, whatever their callers say of their own traces: whoever asks for all of theirs
/// could have others' left out. Of messages a share by their traces' ids, on which all processes agree.
#[derive(Clone, Debug)]
struct Share {
    requests: Sampler,
    messages: ParentBasedSampler,
    draw: RandomIdGenerator,
}

impl Share {
    fn new(share: Sampler) -> Self {
        let messages = Sampler::parent_based(share.clone());
        Self { requests: share, messages, draw: RandomIdGenerator::default() }
    }
}

impl ShouldSample for Share {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let (sampler, trace): (&dyn ShouldSample, _) = match kind {
            SpanKind::Server => (&self.requests, self.draw.new_trace_id()),
            _ => (&self.messages, trace),
        };
        sampler.should_sample(parent, trace, name, kind, attributes, links)
    }
}

/// What is wrong with the collector, by the last call; `None`: nothing.
type Trouble = Arc<Mutex<Option<String>>>;

/// Says once when the collector takes nothing, and once when it does again; what it takes at a second try it took.
#[derive(Debug)]
struct Watched {
    exporter: SpanExporter,
    trouble: Trouble,
    away: AtomicBool,
}

impl opentelemetry_sdk::trace::SpanExporter for Watched {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let told = self.exporter.export(batch).await;
        let reason = told.as_ref().err().map(|error| {
            let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
            trouble.unwrap_or_else(|| error.to_string())
        });
        if self.away.swap(reason.is_some(), Ordering::Relaxed) != reason.is_some() {
            match reason {
                Some(reason) => tracing::warn!(%reason, "the collector of traces takes nothing"),
                None => tracing::info!("the collector of traces takes what it is told again"),
            }
        }
        told
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Makes the exporter's calls in our runtime.
struct Calls {
    client: reqwest::Client,
    runtime: Handle,
    trouble: Trouble,
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Calls {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        // The exporter has a thread of its own, in which there is no runtime.
        let answer = self.runtime.spawn(async move { call(&client, request).await }).await?;
        let trouble = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(reason) => Some(reason.clone()),
        };
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
        answer.map_err(HttpError::from)
    }
}

/// What the collector answers, with its headers: one says when to try again. Or why it does not, in words.
async fn call(client: &reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
    let request = request.try_into().map_err(in_words)?;
    let mut answer = client.execute(request).await.map_err(in_words)?;
    let mut body = Vec::new();
    while let Some(more) = answer.chunk().await.map_err(in_words)? {
        if body.len() + more.len() > ANSWER {
            return Err(format!("it answers more than {ANSWER} bytes"));
        }
        body.extend_from_slice(&more);
    }
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

/// With what is behind it, which its own words leave out, and without the address.
fn in_words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
