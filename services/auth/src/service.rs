//! All of it put together: settings, keys, policy, routes.

use std::sync::Arc;

use ron_kms::{Clock, KmsError, SystemClock};
use ron_service::axum::routing::{any, get, post};
use ron_service::{Accounts, BadAccount, Service};

use crate::claims::ClaimRules;
use crate::config::{ACCOUNTS, Config, RequestFrom};
use crate::custody::Custody;
use crate::envelope::Signatures;
use crate::metrics::Metrics;
use crate::routes::check::{BadCookieKey, CHECK, Cookies};
use crate::routes::{admin, authorize, authzen, check, constant, introspect, whoami};
use crate::rules::{Rules, RulesError};
use crate::state::{Auth, Parts};
use crate::tokens::Tokens;

/// Why the service does not start. One line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store of keys.
    #[error("keys: {0}")]
    Keys(#[from] KmsError),
    /// The bundle's file.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The secret of an account.
    #[error(transparent)]
    Account(#[from] BadAccount),
    /// The key of cookies.
    #[error(transparent)]
    Cookie(#[from] BadCookieKey),
}

/// What helps where the port is taken.
const IF_TAKEN: &str = ", to port 0 for a free one, or stop what listens there (micronode's own default is 5310, too)";

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
        Service::new(crate::NAME, crate::VERSION, &common).if_taken(IF_TAKEN).amnesia(config.security.amnesia);
    let (accounts, cookies) = (Accounts::new(ACCOUNTS, &config.authzen.accounts)?, Cookies::of(&config.check)?);
    let (policy, keys) = (service.condition("policy"), service.condition("key store"));
    let verifier = service.condition("verifier of envelopes");
    let rules = Rules::start(&config.policy, clock.clone(), policy)?;
    let custody = Custody::start(&config.keys, clock.clone(), keys).await?;
    let metrics = Arc::new(Metrics::new(service.metrics()));
    let signatures = Signatures::start(&config, &custody, &metrics, verifier);
    let parts = Arc::new(Parts { rules, custody, signatures });
    Metrics::follow(service.metrics(), &parts);
    let auth = Arc::new(Auth {
        claims: ClaimRules::of(&config),
        tokens: Tokens::new(&config, &metrics.verifier),
        authorize_slots: service.slots(config.authorize.concurrency),
        accounts,
        cookies,
        config,
        clock,
        metrics,
        parts,
    });
    Ok(with_routes(service, &auth))
}

fn with_routes(mut service: Service, auth: &Arc<Auth>) -> Service {
    let state = || auth.clone();
    service = service
        .openapi(crate::OPENAPI)
        .route("/v1/auth/whoami", post(whoami::whoami).with_state(state()))
        .route("/v1/auth/introspect", post(introspect::introspect).with_state(state()))
        .route("/v1/auth/authorize", post(authorize::authorize).with_state(state()))
        .route("/v1/auth/authorize_batch", post(authorize::authorize_batch).with_state(state()))
        .admin_route("/admin/policy/reload", post(admin::reload).with_state(state()))
        .admin_route("/admin/attest", get(admin::attest).with_state(state()))
        .admin_route("/admin/decision_trace", get(admin::trace).post(admin::trace).with_state(state()));
    service = match auth.config.check.request_from {
        None => service,
        Some(RequestFrom::Path) => {
            let all = |service: Service, path: &str| service.route(path, any(check::check).with_state(state()));
            all(all(service, &format!("{CHECK}/")), &format!("{CHECK}/{{*path}}"))
        }
        Some(_) => service.route(CHECK, get(check::check).post(check::check).with_state(state())),
    };
    if !auth.config.authzen.accounts.is_empty() {
        service = service
            .route(authzen::EVALUATION, post(authzen::evaluation).with_state(state()))
            .route(authzen::EVALUATIONS, post(authzen::evaluations).with_state(state()))
            .route(authzen::CONFIGURATION, get(authzen::configuration).with_state(state()));
    }
    if auth.config.extensions.constant_route {
        service = service.route("/v1/constant", get(constant::constant).post(constant::constant_for_body));
    }
    service
}
