//! Whether a service can be sent requests, and what it lacks if not.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::watch;

use crate::Json;

/// The phases of a service's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Requests are served and connections kept.
    Serving,
    /// `/readyz` is down; new connections are still taken, each response closes its connection.
    Draining,
    /// No listener is left; silent connections are closed.
    Closing,
    /// What is still open is cut off.
    Over,
}

/// What has to be there before requests are sent here.
#[derive(Debug)]
pub(crate) struct Readiness {
    // Read for each request; the channel wakes those that sleep.
    phase: AtomicU8,
    changes: watch::Sender<Phase>,
    conditions: Mutex<Vec<State>>,
}

/// How one condition is.
#[derive(Debug)]
struct State {
    name: &'static str,
    lack: Option<String>,
    /// What is wrong with what is there.
    warning: Option<String>,
}

/// One thing that has to be there, such as a policy that is loaded. It is missing until it is said to be met.
#[derive(Debug, Clone)]
pub struct Condition {
    readiness: Arc<Readiness>,
    index: usize,
}

#[derive(Serialize)]
struct Told<'a> {
    name: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct Body<'a> {
    ready: bool,
    draining: bool,
    missing: Vec<Told<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Told<'a>>,
}

impl Readiness {
    pub(crate) fn new() -> Arc<Self> {
        let changes = watch::Sender::new(Phase::Serving);
        Arc::new(Self { phase: AtomicU8::new(Phase::Serving as u8), changes, conditions: Mutex::new(Vec::new()) })
    }

    pub(crate) fn condition(self: &Arc<Self>, name: &'static str) -> Condition {
        let mut conditions = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        conditions.push(State { name, lack: Some("not yet there".to_owned()), warning: None });
        Condition { readiness: Arc::clone(self), index: conditions.len() - 1 }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Serving,
            1 => Phase::Draining,
            2 => Phase::Closing,
            _ => Phase::Over,
        }
    }

    /// Phases only go forward.
    pub(crate) fn enter(&self, phase: Phase) {
        // First the number and then the word, so that who is woken sees the number.
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        self.changes.send_if_modified(|current| {
            let forward = *current < phase;
            *current = phase.max(*current);
            forward
        });
    }

    pub(crate) fn changes(&self) -> watch::Receiver<Phase> {
        self.changes.subscribe()
    }

    pub(crate) fn is_ready(&self) -> bool {
        let conditions = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        self.phase() == Phase::Serving && conditions.iter().all(|state| state.lack.is_none())
    }

    /// The answer of `/readyz`.
    pub(crate) fn response(&self) -> Response {
        let conditions = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        let told = |of: fn(&State) -> Option<&str>| -> Vec<_> {
            conditions.iter().filter_map(|state| of(state).map(|reason| Told { name: state.name, reason })).collect()
        };
        let (missing, warnings) = (told(|state| state.lack.as_deref()), told(|state| state.warning.as_deref()));
        let draining = self.phase() != Phase::Serving;
        let ready = missing.is_empty() && !draining;
        let mut response = Json(Body { ready, draining, missing, warnings }).into_response();
        if !ready {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl Condition {
    /// It is there.
    pub fn met(&self) {
        self.set(None, None);
    }

    /// It is there, and something is wrong with it that does not keep requests away. The reason is shown to anybody who
    /// asks for `/readyz`, which does not fall for it.
    pub fn met_with_warning(&self, reason: impl Into<String>) {
        self.set(None, Some(reason.into()));
    }

    /// It is missing, and why. The reason is shown to anybody who asks for `/readyz`.
    pub fn missing(&self, reason: impl Into<String>) {
        self.set(Some(reason.into()), None);
    }

    fn set(&self, lack: Option<String>, warning: Option<String>) {
        let mut conditions = self.readiness.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = conditions.get_mut(self.index) {
            (state.lack, state.warning) = (lack, warning);
        }
    }
}
