//! SIGTERM and SIGINT: the first drains, the second stops hard.
//!
//! **Invariant:** nothing else in Postern handles these signals.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Tasks;

impl Tasks {
    /// From now on the first SIGTERM or SIGINT begins the soft stop and the
    /// second one the hard stop.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn stop_on_signals(&self) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (soft, hard) = (self.stopping(), self.stopped_hard());
        // Not among the tracked tasks: a drain must not wait for the listener
        // of the signal that cuts it short. It ends with the hard stop, which
        // `finish` always comes to.
        tokio::spawn(async move {
            let both = async {
                let first = next(&mut terminate, &mut interrupt).await;
                tracing::info!(signal = first, "stopping");
                soft.cancel();
                let second = next(&mut terminate, &mut interrupt).await;
                tracing::warn!(signal = second, "stopping hard");
                hard.cancel();
            };
            tokio::select! {
                () = both => {}
                () = hard.cancelled() => {}
            }
        });
        Ok(())
    }
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
