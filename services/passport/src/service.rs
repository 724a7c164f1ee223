//! All of it put together: settings, keys, routes.

use std::sync::Arc;

use ron_kms::{Clock, SystemClock};
use ron_service::axum::http::HeaderValue;
use ron_service::axum::routing::{get, post};
use ron_service::{Accounts, BadAccount, Route, Service};

use crate::claims::ClaimRules;
use crate::config::{ACCOUNTS, Config};
use crate::keys::{Custody, KeysError};
use crate::metrics::Metrics;
use crate::profile::Profiles;
use crate::refusal;
use crate::routes::{admin, batch, capability, constant, issue, keys, profile, verify};
use crate::state::Passport;

/// Why the service does not start. One line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Who may mint capability tokens.
    #[error(transparent)]
    Account(#[from] BadAccount),
}

/// The service, with its keys open or being opened, before it listens. To be called in a runtime of Tokio with time.
///
/// # Errors
/// What does not pass by waiting, such as a wrong master key.
pub async fn service(config: Config) -> Result<Service, StartError> {
    service_with_clock(config, Arc::new(SystemClock)).await
}

/// As [`service`], with a clock that is passed in.
///
/// # Errors
/// As [`service`].
pub async fn service_with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<Service, StartError> {
    let common = ron_service::config::Settings::common(&config);
    let mut service =
        Service::new(crate::NAME, crate::VERSION, &common).errors(refusal::of_plane).amnesia(config.security.amnesia);
    let condition = service.condition("key store");
    let custody = Custody::start(&config, clock.clone(), condition).await?;
    let metrics = Metrics::new(service.metrics());
    Metrics::follow(service.metrics(), &custody);
    let cache_control = format!("public, max-age={}", config.cache.jwks_ttl_s);
    let passport = Arc::new(Passport {
        // Words and digits always are a header's value.
        cache_control: HeaderValue::try_from(cache_control).unwrap_or(HeaderValue::from_static("no-cache")),
        verify_slots: service.slots(config.verify.concurrency),
        batch_slots: service.slots(config.verify.batch_concurrency),
        claims: ClaimRules::of(&config),
        accounts: Accounts::new(ACCOUNTS, &config.capability.accounts)?,
        profiles: Profiles::new(config.profiles.max_profiles),
        config,
        clock,
        custody,
        metrics,
    });
    Ok(with_routes(service, &passport))
}

fn with_routes(service: Service, passport: &Arc<Passport>) -> Service {
    let state = || passport.clone();
    let extensions = &passport.config.extensions;
    // Bodies are bounded by whoever reads them, and not before: the content type is looked at first.
    let with_body = |path: &str, methods| Route::new(path, methods).max_body_bytes(u64::MAX);
    let mut service = service
        .with_route(with_body("/v1/passport/issue", post(issue::issue).with_state(state())))
        .with_route(with_body("/v1/passport/verify", post(verify::verify).with_state(state())))
        .with_route(with_body("/v1/passport/verify_batch", post(batch::verify_batch).with_state(state())))
        .with_route(with_body("/v1/passport/profile/claim", post(profile::claim).with_state(state())))
        .route("/v1/passport/profile/_debug", get(profile::debug))
        .route("/v1/passport/profile/{username}", get(profile::read).with_state(state()))
        .route("/v1/keys", get(keys::keys).with_state(state()))
        .openapi(crate::OPENAPI)
        .admin_route("/admin/rotate", post(admin::rotate).with_state(state()))
        .admin_route("/admin/attest", get(admin::attest).with_state(state()))
        .admin_route("/admin/reseal", post(admin::reseal).with_state(state()));
    if !extensions.admin_listener_only {
        service = service
            .route("/admin/rotate", post(admin::rotate).with_state(state()))
            .route("/admin/attest", get(admin::attest).with_state(state()));
    }
    if extensions.constant_route {
        let methods = get(constant::constant).post(constant::constant_for_body).with_state(state());
        service = service.with_route(with_body("/v1/constant", methods));
    }
    if !passport.accounts.is_empty() {
        service = service
            .route("/v1/passport/capability", post(capability::mint).with_state(state()))
            .admin_route("/admin/capability/rotate/{tenant}", post(capability::rotate).with_state(state()));
    }
    service
}
