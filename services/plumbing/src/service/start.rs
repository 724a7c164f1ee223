//! From a service to its listeners.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;
use secrecy::ExposeSecret;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::running::{Addresses, Running};
use super::{Route, Service, StartError, openapi};
use crate::Json;
use crate::config::{Admin, ms};
use crate::health::Readiness;
use crate::limits::{Gate, Rates};
use crate::metrics::{self, HttpMetrics, Live};
use crate::problem::Problem;
use crate::serve::{
    Acceptor, AdminToken, Connections, Door, Front, Listener, RouteEntry, Timeouts, bind, server_config,
};

/// Connections and requests in flight of the admin listener: few people and scrapers use it.
const ADMIN_CONNECTIONS: usize = 64;

/// How often clients whose rate is fresh again are forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(1);

impl Service {
    /// Binds the listeners and serves. To be called within a tokio runtime.
    ///
    /// # Errors
    /// One line that says what is in the way and what to do.
    pub async fn start(mut self) -> Result<Running, StartError> {
        let token = token(&self.admin)?;
        if let (Some(address), None) = (self.server.admin_bind, &token)
            && !address.ip().is_loopback()
        {
            return Err(StartError::OpenAdmin(address));
        }
        let tls = server_config(&self.server)?;
        let public = bind(self.server.bind, self.server.reuse_port, "server.bind");
        let mut listeners = vec![public.map_err(|error| error.if_taken(self.if_taken))?];
        if let Some(path) = &self.server.unix {
            listeners.push(Listener::unix(path, self.server.reuse_port)?);
        }
        let admin_bind = self.server.admin_bind;
        let admin = admin_bind.map(|address| bind(address, self.server.reuse_port, "server.admin_bind")).transpose()?;
        let addresses = Addresses {
            tcp: listeners.first().and_then(Listener::address),
            admin: admin.as_ref().and_then(Listener::address),
            unix: self.server.unix.clone(),
            tls: tls.is_some(),
        };

        let rates = Rates::new(self.limits.client_per_second, self.limits.client_burst, self.limits.max_clients);
        let tidying = rates.clone().map(|rates| {
            tokio::spawn(async move {
                loop {
                    sleep(TIDY_EVERY).await;
                    rates.tidy();
                }
            })
        });
        let connections = Connections::new(self.server.max_connections, self.limits.retry_after_ms);
        let admin_connections = Connections::new(ADMIN_CONNECTIONS, self.limits.retry_after_ms);
        let gate = Gate::new(self.limits.max_in_flight, self.limits.retry_after_ms);
        let admin_gate = Gate::new(ADMIN_CONNECTIONS, self.limits.retry_after_ms);
        // The admin listener goes last: a drain can be watched to its end.
        let admin_phase = Readiness::new();

        let http = HttpMetrics::new(&mut self.registry);
        self.registry.register_collector(Box::new(Live {
            gate: gate.clone(),
            connections: Arc::clone(&connections),
            readiness: Arc::clone(&self.readiness),
        }));
        let registry = Arc::new(std::mem::take(&mut self.registry));
        let health = || health(&self.readiness, &registry);
        let mut routes = with_health(std::mem::take(&mut self.routes), health());
        if let Some(document) = self.openapi {
            routes.push(openapi::route(document, &routes)?);
        }
        let admin_routes = with_health(std::mem::take(&mut self.admin_routes), health());

        let public = self.front(routes, &http, Door::Public(rates), gate, Arc::clone(&self.readiness), &connections)?;
        let mut tasks = Vec::new();
        for listener in listeners {
            let acceptor = Acceptor { listener, front: Arc::clone(&public), tls: tls.clone() };
            tasks.push(tokio::spawn(acceptor.run()));
        }
        let private = self.front(
            admin_routes,
            &http,
            Door::Admin(token),
            admin_gate,
            Arc::clone(&admin_phase),
            &admin_connections,
        )?;
        let admin_task: Option<JoinHandle<()>> =
            admin.map(|listener| tokio::spawn(Acceptor { listener, front: private, tls }.run()));
        tracing::info!(service = self.name, %addresses, "listening");
        Ok(Running {
            name: self.name,
            addresses,
            grace: ms(self.server.drain_grace_ms),
            timeout: ms(self.server.drain_timeout_ms),
            readiness: self.readiness,
            connections,
            tasks,
            admin_phase,
            admin_connections,
            admin_task,
            tidying,
        })
    }

    fn front(
        &self,
        routes: Vec<Route>,
        metrics: &HttpMetrics,
        door: Door,
        gate: Gate,
        phase: Arc<Readiness>,
        connections: &Arc<Connections>,
    ) -> Result<Arc<Front>, StartError> {
        let errors = self.errors;
        let entry = |template: &str, route: Option<&Route>| RouteEntry {
            metrics: metrics.route(template),
            max_body_bytes: route.and_then(|route| route.max_body_bytes).unwrap_or(self.limits.max_body_bytes),
            gate: route.and_then(|route| route.gate.clone()),
            open: route.is_some_and(|route| route.open),
        };
        let mut router = Router::new();
        let mut entries = matchit::Router::new();
        for route in routes {
            let wrong = |reason: String| StartError::Route { path: route.path.clone(), reason };
            if !route.path.starts_with('/') {
                return Err(wrong("expected a template that begins with /".to_owned()));
            }
            entries.insert(&route.path, entry(&route.path, Some(&route))).map_err(|error| wrong(error.to_string()))?;
            router = router.route(&route.path, route.methods);
        }
        let router = router
            .fallback(move || async move { errors(&Problem::not_found()) })
            .method_not_allowed_fallback(move || async move { errors(&Problem::method_not_allowed()) });
        let mut http = http1::Builder::new();
        // Deadlines are the connection's own.
        http.timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_header_size(self.server.max_header_bytes)
            .max_buf_size(self.server.max_header_bytes.max(64 << 10));
        Ok(Arc::new(Front {
            http,
            timeouts: Timeouts::new(&self.server),
            body_timeout: ms(self.server.body_timeout_ms),
            handler_timeout: ms(self.server.handler_timeout_ms),
            readiness: phase,
            connections: Arc::clone(connections),
            router,
            routes: entries,
            unmatched: entry("none", None),
            gate,
            door,
            errors,
            amnesia: self.amnesia,
            shed: metrics.refused("shed"),
            limited: metrics.refused("rate"),
        }))
    }
}

/// The routes that every listener has.
fn health(readiness: &Arc<Readiness>, registry: &Arc<prometheus_client::registry::Registry>) -> [Route; 3] {
    #[derive(serde::Serialize)]
    struct Alive {
        ok: bool,
    }
    let (readiness, registry) = (Arc::clone(readiness), Arc::clone(registry));
    [
        Route::new("/healthz", get(|| async { Json(Alive { ok: true }) })).open(),
        Route::new("/readyz", get(move || async move { readiness.response() })).open(),
        Route::new("/metrics", get(move |headers: HeaderMap| async move { metrics::text(&registry, &headers) })).open(),
    ]
}

/// `routes` and those of `health` that they don't replace.
fn with_health(mut routes: Vec<Route>, health: [Route; 3]) -> Vec<Route> {
    for route in health {
        if !routes.iter().any(|own| own.path == route.path) {
            routes.push(route);
        }
    }
    routes
}

fn token(admin: &Admin) -> Result<Option<AdminToken>, StartError> {
    let wrong = |key, reason: &str| StartError::Token { key, reason: reason.to_owned() };
    let (key, text) = match (&admin.token, &admin.token_file) {
        (Some(_), Some(_)) => return Err(wrong("token_file", "admin.token is set too")),
        (Some(token), None) => ("token", token.expose_secret().to_owned()),
        (None, Some(path)) => match std::fs::read_to_string(path) {
            Ok(text) => ("token_file", text.lines().next().unwrap_or_default().trim_end().to_owned()),
            Err(error) => return Err(wrong("token_file", &format!("cannot read {}: {error}", path.display()))),
        },
        (None, None) => return Ok(None),
    };
    if text.len() < 16 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong(key, "the token is too short or has other characters"));
    }
    Ok(Some(AdminToken::new(&text)))
}
