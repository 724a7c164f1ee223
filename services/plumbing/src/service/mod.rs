//! A service: its routes, its conditions and its metrics; then its listeners.

mod error;
mod openapi;
mod running;
mod start;

use std::sync::Arc;

use axum::routing::MethodRouter;
use prometheus_client::registry::Registry;

pub use error::StartError;
pub use running::{Addresses, Drained, Running};

use crate::config::{Admin, Common, Limits, Server};
use crate::health::{Condition, Readiness};
use crate::limits::Gate;
use crate::problem::{ErrorBody, as_problem};

/// A service before it listens.
///
/// `/healthz`, `/readyz` and `/metrics` are there by themselves, on both listeners, unless it has such routes.
pub struct Service {
    name: &'static str,
    server: Server,
    limits: Limits,
    admin: Admin,
    routes: Vec<Route>,
    admin_routes: Vec<Route>,
    openapi: Option<&'static str>,
    readiness: Arc<Readiness>,
    registry: Registry,
    errors: ErrorBody,
    if_taken: &'static str,
    amnesia: bool,
}

/// A route with limits of its own.
pub struct Route {
    path: String,
    methods: MethodRouter,
    max_body_bytes: Option<u64>,
    gate: Option<Gate>,
    open: bool,
}

impl Route {
    /// What `methods` answers at `path`, a template such as `/v1/profile/{name}`.
    #[must_use]
    pub fn new(path: impl Into<String>, methods: MethodRouter) -> Self {
        Self { path: path.into(), methods, max_body_bytes: None, gate: None, open: false }
    }

    /// Bytes of a body of this route, in place of `limits.max_body_bytes`. axum's own extractors stop at 2 MB
    /// whatever is said here; [`Json`](crate::Json) does not.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: u64) -> Self {
        self.max_body_bytes = Some(bytes);
        self
    }

    /// Slots of this route, beside those of all. Routes that are given clones of one gate share its slots.
    #[must_use]
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// For health: needs no slot and no token.
    fn open(mut self) -> Self {
        self.open = true;
        self
    }
}

impl Service {
    /// A service called `name`, of the version `version`, both of which its metrics tell.
    #[must_use]
    pub fn new(name: &'static str, version: &'static str, common: &Common<'_>) -> Self {
        let mut registry = Registry::default();
        let build = prometheus_client::metrics::info::Info::new([("service", name), ("version", version)]);
        registry.register("build", "What this is", build);
        Self {
            name,
            server: common.server.clone(),
            limits: common.limits.clone(),
            admin: common.admin.clone(),
            routes: Vec::new(),
            admin_routes: Vec::new(),
            openapi: None,
            readiness: Readiness::new(),
            registry,
            errors: as_problem,
            if_taken: "",
            amnesia: false,
        }
    }

    /// Answers `path` with `methods`. The path is a template such as `/v1/profile/{name}`.
    #[must_use]
    pub fn route(self, path: &str, methods: MethodRouter) -> Self {
        self.with_route(Route::new(path, methods))
    }

    /// Adds a route with limits of its own.
    #[must_use]
    pub fn with_route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// Adds a route to the admin listener, and to it alone.
    #[must_use]
    pub fn admin_route(mut self, path: &str, methods: MethodRouter) -> Self {
        self.admin_routes.push(Route::new(path, methods));
        self
    }

    /// Answers `/openapi.json` with the document that describes its routes. Paths that this service lacks are left out:
    /// some routes are there by configuration only.
    #[must_use]
    pub const fn openapi(mut self, document: &'static str) -> Self {
        self.openapi = Some(document);
        self
    }

    /// The templates of its routes so far, without those of the admin listener and of health.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| route.path.as_str()).chain(self.openapi.map(|_| openapi::PATH))
    }

    /// Writes the problems that the plane answers with in another way, for a contract from before.
    #[must_use]
    pub fn errors(mut self, errors: ErrorBody) -> Self {
        self.errors = errors;
        self
    }

    /// What helps where `server.bind` is taken, put behind `set server.bind to another address`: for a service whose
    /// port others are known to use.
    #[must_use]
    pub fn if_taken(mut self, hint: &'static str) -> Self {
        self.if_taken = hint;
        self
    }

    /// Whether nothing that a client sent is logged, not even its request id: a line that would have it has one that
    /// was made here. Answers carry the client's all the same.
    #[must_use]
    pub const fn amnesia(mut self, on: bool) -> Self {
        self.amnesia = on;
        self
    }

    /// Something that has to be there before requests are sent here: `/readyz` names it until it is said to be met.
    pub fn condition(&mut self, name: &'static str) -> Condition {
        self.readiness.condition(name)
    }

    /// Where the service's own metrics are registered.
    pub fn metrics(&mut self) -> &mut Registry {
        &mut self.registry
    }

    /// Slots for a route, whose refusals tell `limits.retry_after_ms`.
    #[must_use]
    pub fn slots(&self, most: usize) -> Gate {
        Gate::new(most, self.limits.retry_after_ms)
    }
}
