//! A batch always comes back, with the right result, whatever goes on around it. With `parallel` that takes some doing;
//! it holds for every feature set.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a surprise stops a test")]

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ron_auth::{
    AuthError, BatchError, CapabilityBuilder, Caveat, CustomCaveat, CustomCaveatHandler, KeyName, MacKey,
    MacKeyProvider, Malformed, RequestCtx, Scope, VerifierConfig, verify_each, verify_many, verify_many_into,
};

const NOW_UNIX_S: u64 = 1_762_700_000;

fn ctx() -> RequestCtx<'static> {
    RequestCtx::new(NOW_UNIX_S, "GET", "/index/1", "acme")
}

fn key() -> MacKey {
    MacKey::new([7; 32])
}

fn good(count: usize) -> Vec<String> {
    let caveat = Caveat::Custom { ns: "host".into(), name: String::new(), cbor: vec![0xf6] };
    let token = CapabilityBuilder::new("acme", "k1", Scope::new("/index/", ["GET"])).caveat(caveat);
    vec![token.sign(&key()).unwrap().to_base64url(); count]
}

/// What a client needs no key for: few texts that weigh as much as a batch that is worth spreading.
fn junk() -> Vec<String> {
    vec!["A".repeat(1024); 32]
}

/// Settings under which `check` is called for each token of [`good`].
fn config(check: impl Fn() + Send + Sync + 'static) -> VerifierConfig {
    VerifierConfig::default().with_custom_handler("host", handler(check))
}

fn handler(check: impl Fn() + Send + Sync + 'static) -> impl CustomCaveatHandler {
    move |_: &CustomCaveat<'_>, _: &RequestCtx<'_>| -> Result<(), Cow<'static, str>> {
        check();
        Ok(())
    }
}

/// A key provider that does something else first.
struct Asked<F>(F);

impl<F: Fn()> MacKeyProvider for Asked<F> {
    fn key_for(&self, _: KeyName<'_>) -> Option<MacKey> {
        self.0();
        Some(key())
    }
}

/// Verifies batches, large ones too, and looks at every result.
fn batches_are_right() {
    let config = config(|| ());
    for count in [1, 127, 128, 256, 1000] {
        let results = verify_each(&config, &good(count), &ctx(), &key());
        assert_eq!(results.len(), count);
        assert!(results.into_iter().all(|result| result.is_ok_and(|decision| decision.is_allow())));
        let decisions = verify_many(&config, &good(count), &ctx(), &key()).unwrap();
        assert!(decisions.len() == count && decisions.iter().all(|decision| decision.is_allow()));
    }
    let malformed = AuthError::Malformed(Malformed::Cbor);
    assert_eq!(verify_each(&config, &junk(), &ctx(), &key()), vec![Err(malformed); 32]);
    assert_eq!(verify_many(&config, &junk(), &ctx(), &key()), Err(BatchError { index: 0, error: malformed }));
}

#[test]
fn handlers_and_key_providers_may_verify_large_batches_themselves() {
    let inner = || {
        let results = verify_each(&config(|| ()), &good(130), &ctx(), &key());
        assert!(results.len() == 130 && results.iter().all(Result::is_ok));
    };
    let outer = config(inner);
    for result in verify_each(&outer, &good(1000), &ctx(), &Asked(inner)) {
        assert!(result.unwrap().is_allow());
    }
    assert_eq!(verify_many(&outer, &good(1000), &ctx(), &Asked(inner)).unwrap().len(), 1000);
}

#[test]
fn a_panic_of_a_handler_or_key_provider_reaches_the_caller_and_leaves_later_batches_working() {
    let countdown = |from: usize| {
        let calls = AtomicUsize::new(from);
        move || assert!(calls.fetch_sub(1, Ordering::SeqCst) != 1, "of the host's own")
    };
    let is_passed_on = |batch: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(batch)).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"of the host's own"));
        assert!(verify_each(&config(|| ()), &good(300), &ctx(), &key()).iter().all(Result::is_ok));
    };
    for par_min_batch in [0, 128, usize::MAX] {
        // The first token, and one in the midst of it.
        for from in [1, 500] {
            let config = || {
                let mut config = config(countdown(from));
                config.par_min_batch = par_min_batch;
                config
            };
            is_passed_on(&|| drop(verify_each(&config(), &good(1000), &ctx(), &key())));
            is_passed_on(&|| drop(verify_many(&config(), &good(1000), &ctx(), &key())));
            is_passed_on(&|| {
                let _ = verify_many_into(&config(), &good(1000), &ctx(), &key(), &mut Vec::new());
            });
        }
        let mut config = config(|| ());
        config.par_min_batch = par_min_batch;
        is_passed_on(&|| drop(verify_each(&config, &good(1000), &ctx(), &Asked(countdown(1)))));
        is_passed_on(&|| drop(verify_many(&config, &good(1000), &ctx(), &Asked(countdown(1)))));
    }
}

/// Lets those go on who wait for it, when its own thread is done and when an assertion in that fails.
struct Opens(&'static AtomicBool);

impl Drop for Opens {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_batch_waits_for_no_other_batch() {
    static IS_OPEN: AtomicBool = AtomicBool::new(false);
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    let waiting = config(|| {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        while !IS_OPEN.load(Ordering::SeqCst) {
            thread::yield_now();
        }
    });
    thread::scope(|scope| {
        scope.spawn(|| assert!(verify_each(&waiting, &good(2000), &ctx(), &key()).iter().all(Result::is_ok)));
        while INSIDE.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        let _opens = Opens(&IS_OPEN);
        batches_are_right();
    });
    batches_are_right();
}

/// Panics unless the least time that a batch takes, spread over threads, is within twice the least on one thread and a
/// millisecond. They are timed in turns until it is so, because other programs may have the cores for some time; what
/// waits for another batch never is.
fn comes_back_in_time(tokens: &[String], when: &str) {
    const ROUNDS: usize = 15;
    let begun = Instant::now();
    let [mut spread, mut alone] = [Duration::MAX; 2];
    for round in 1.. {
        for (least, par_min_batch) in [(&mut spread, 128), (&mut alone, usize::MAX)] {
            let mut config = config(|| ());
            config.par_min_batch = par_min_batch;
            let start = Instant::now();
            let results = verify_each(&config, tokens, &ctx(), &key());
            *least = start.elapsed().min(*least);
            assert!(results.iter().all(Result::is_ok));
        }
        if round >= ROUNDS && spread <= 2 * alone + Duration::from_millis(1) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{when}: {spread:?} spread, {alone:?} on one thread");
    }
}

#[test]
fn a_batch_takes_at_most_twice_the_time_of_one_thread_and_a_millisecond_though_all_others_are_held() {
    static IS_OPEN: AtomicBool = AtomicBool::new(false);
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    let waiting = config(|| {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        while !IS_OPEN.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
    });
    let tokens = good(2000);
    comes_back_in_time(&tokens, "idle");
    thread::scope(|scope| {
        scope.spawn(|| drop(verify_each(&waiting, &tokens, &ctx(), &key())));
        while INSIDE.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        let _opens = Opens(&IS_OPEN);
        comes_back_in_time(&tokens, "while another batch holds the library's threads");
    });
}

#[test]
fn many_callers_at_once_all_have_their_results() {
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(batches_are_right);
        }
    });
}

#[test]
fn a_thread_that_ends_may_verify_a_last_batch() {
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            batches_are_right();
        }
    }
    thread_local!(static LAST: Last = const { Last });
    thread::spawn(|| LAST.with(|_| batches_are_right())).join().unwrap();
}

/// In processes of their own: what is started once is not started there yet.
#[cfg(target_os = "linux")]
mod processes {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    use super::*;

    #[test]
    fn a_batch_needs_no_more_threads_than_it_is_given() {
        for threads in ["0", "1", "2", "7", "many"] {
            let status = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "processes::right_batches", "--ignored", "--quiet"])
                .env("RAYON_NUM_THREADS", threads)
                .stdout(Stdio::null())
                .status();
            assert!(status.unwrap().success(), "{threads}");
        }
    }

    #[test]
    #[ignore = "run by a_batch_needs_no_more_threads_than_it_is_given"]
    fn right_batches() {
        batches_are_right();
    }

    #[test]
    fn a_process_limit_costs_no_batch_anything_and_no_longer_holds_once_it_is_lifted() {
        // Root has no limit, so another user runs a copy of this program that everybody may read.
        let copy = std::env::temp_dir().join(format!("ron-auth-batches-{}", std::process::id()));
        std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        let mut said = String::new();
        let child = limited(&copy).map(|mut child| {
            let mut stdout = BufReader::new(child.stdout.take().unwrap());
            while !said.contains("limit") && stdout.read_line(&mut said).unwrap() > 0 {}
            (child, stdout)
        });
        std::fs::remove_file(&copy).unwrap();
        let Some((mut child, mut stdout)) = child else { return eprintln!("not shown: there is no `prlimit` here") };
        if said.contains("no limit") {
            return eprintln!("not shown: this system sets no limit to the threads of this user");
        }
        assert!(said.contains("under the limit"), "{said}");
        let lift = || prlimit(&["--nproc=1000:", "--pid", &child.id().to_string()]);
        assert!(as_nobody(lift).unwrap().wait().unwrap().success(), "{said}");
        child.stdin.take().unwrap().write_all(b"lifted\n").unwrap();
        stdout.read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{said}");
    }

    /// Starts [`with_one_process`] as a user who may have one process, which is that.
    fn limited(program: &Path) -> Option<Child> {
        as_nobody(|| {
            let mut command = prlimit(&["--nproc=1:"]);
            command.arg(program).args(["--exact", "processes::with_one_process", "--ignored", "--nocapture"]);
            command.args(["--test-threads=1"]).env("RAYON_NUM_THREADS", "2");
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            command
        })
        .ok()
    }

    fn prlimit(args: &[&str]) -> Command {
        let mut command = Command::new("prlimit");
        command.args(args);
        command
    }

    /// Who is not root can't become another user, and needn't.
    fn as_nobody(command: impl Fn() -> Command) -> std::io::Result<Child> {
        const NOBODY: u32 = 65534;
        command().uid(NOBODY).spawn().or_else(|_| command().spawn())
    }

    #[test]
    #[ignore = "run by a_process_limit_costs_no_batch_anything_and_no_longer_holds_once_it_is_lifted"]
    fn with_one_process() {
        if thread::Builder::new().spawn(|| ()).is_ok() {
            return println!("no limit");
        }
        batches_are_right();
        assert_eq!(threads(), 1);
        println!("under the limit");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).unwrap();
        assert_eq!(answer, "lifted\n");
        // As many batches as go by before another attempt to start a thread.
        (0..20).for_each(|_| batches_are_right());
        assert_eq!(threads(), if cfg!(feature = "parallel") { 2 } else { 1 });
    }

    /// Threads of this process.
    fn threads() -> usize {
        std::fs::read_dir("/proc/self/task").unwrap().count()
    }
}
