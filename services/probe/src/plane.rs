//! The services, as they are started here.

use std::cell::OnceCell;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ron_service::config::{Settings, load_from};
use ron_service::{Running, ScratchFolder};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use crate::Fault;
use crate::artefacts::Artefacts;
use crate::connection::{Connection, get};
use crate::questions::POLICY;

/// The secret by which tokens are minted, and its digest as `printf %s probe-mints-tokens | b3sum` prints it.
pub(crate) const SECRET: &str = "probe-mints-tokens";
const SECRET_BLAKE3: &str = "993b7d0721a82b7a63965dca3cb9ea34fc84e7ea9c7aca0ece49b2eab96f1f03";

/// Time that services have to find each other.
const PATIENCE: Duration = Duration::from_secs(20);

/// The services, which are started when the first case wants them.
#[derive(Clone, Default)]
pub struct Services(Rc<OnceCell<Rc<Plane>>>);

/// A service that requests are for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Service {
    Passport,
    /// svc-auth, which has envelopes verified by svc-passport.
    Auth,
    /// svc-auth, which verifies them itself.
    AuthInProcess,
}

/// Services that listen, and what they are asked about.
pub(crate) struct Plane {
    pub(crate) artefacts: Artefacts,
    passport: SocketAddr,
    auth: SocketAddr,
    auth_in_process: SocketAddr,
    // Dropped in this order: with their runtime the services end, which work in the folder.
    runtime: Runtime,
    folder: ScratchFolder,
}

impl Services {
    pub(crate) fn plane(&self) -> Result<Rc<Plane>, Fault> {
        if let Some(plane) = self.0.get() {
            return Ok(Rc::clone(plane));
        }
        let plane = Rc::new(Plane::start()?);
        Ok(Rc::clone(self.0.get_or_init(|| plane)))
    }
}

impl Plane {
    fn start() -> Result<Self, Fault> {
        let folder = ScratchFolder::new("ron-services-probe-")?;
        std::fs::write(folder.path().join("policy.toml"), POLICY)?;
        // As a service on one core has it. The one other thread is that of the key stores.
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(1).build()?;
        let started = async {
            let passport = passport(folder.path()).await?;
            let auth_in_process = auth(folder.path(), passport, false).await?;
            let auth = auth(folder.path(), passport, true).await?;
            for service in [passport, auth, auth_in_process] {
                until_ready(service).await?;
            }
            let artefacts = Artefacts::made_by(&mut Connection::open(passport).await?).await?;
            Ok::<_, Fault>((passport, auth, auth_in_process, artefacts))
        };
        let (passport, auth, auth_in_process, artefacts) = runtime.block_on(started)?;
        Ok(Self { artefacts, passport, auth, auth_in_process, runtime, folder })
    }

    pub(crate) const fn address(&self, of: Service) -> SocketAddr {
        match of {
            Service::Passport => self.passport,
            Service::Auth => self.auth,
            Service::AuthInProcess => self.auth_in_process,
        }
    }

    /// Where their keys and their policy lie.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Lets the services and their client work until the client is done.
    pub(crate) fn block_on<F: Future>(&self, client: F) -> F::Output {
        self.runtime.block_on(client)
    }
}

async fn passport(folder: &Path) -> Result<SocketAddr, Fault> {
    let text = format!(
        "{}[[capability.accounts]]\nname = 'probe'\ntoken_blake3 = '{SECRET_BLAKE3}'\ntenants = ['acme']\n",
        common(folder)
    );
    let settings = settings(svc_passport::CONFIG_PREFIX, &text)?;
    address(&svc_passport::service(settings).await?.start().await?)
}

/// svc-auth, without its memory for envelopes: each costs its signature.
async fn auth(folder: &Path, passport: SocketAddr, delegates: bool) -> Result<SocketAddr, Fault> {
    let text = format!(
        "policy = {{ path = '{}/policy.toml', poll_ms = 3_600_000 }}\n\
         verify = {{ passport_base = 'http://{passport}', delegate_to_passport = {delegates} }}\n\
         caching = {{ verify_positive_ttl_ms = 0, verify_negative_ttl_ms = 0, jwks_ttl_s = 86_400 }}\n{}",
        folder.display(),
        common(folder)
    );
    address(&svc_auth::service(settings(svc_auth::CONFIG_PREFIX, &text)?).await?.start().await?)
}

/// Looks in the background as seldom as they may be, and connections that are kept for a day.
fn common(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "server = {{ bind = '127.0.0.1:0', admin_bind = '127.0.0.1:0', idle_timeout_ms = 86_400_000 }}\n\
         extensions.constant_route = true\n\
         [keys]\nstore = {{ sqlite = {{ path = '{folder}/keys.db' }} }}\n\
         master_key = {{ file_or_new = '{folder}/master.key' }}\npoll_ms = 1_000\n"
    )
}

/// The settings of a text, whatever the environment says.
fn settings<T: Settings>(prefix: &str, text: &str) -> Result<T, Fault> {
    let variable = format!("{prefix}_CONFIG");
    Ok(load_from(prefix, &|asked| (asked == variable).then(|| text.to_owned()))?)
}

fn address(service: &Running) -> Result<SocketAddr, Fault> {
    service.addresses().tcp.ok_or_else(|| "it listens at no address".into())
}

async fn until_ready(service: SocketAddr) -> Result<(), Fault> {
    let (mut connection, start) = (Connection::open(service).await?, Instant::now());
    loop {
        let answer = connection.ask(&get("/readyz")).await?;
        if answer.status == 200 {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            return Err(format!("not ready: {}", String::from_utf8_lossy(answer.body)).into());
        }
        sleep(Duration::from_millis(1)).await;
    }
}
