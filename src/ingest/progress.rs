//! Progress bars on a terminal; no output elsewhere, so that logs stay readable.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Whether to show progress.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// Show progress on standard error, if that is a terminal.
    Shown,
    Hidden,
}

/// A progress bar.
pub struct Bar(ProgressBar);

impl Progress {
    /// Returns a bar over `total` steps, labeled `what`.
    #[must_use]
    pub fn bar(self, what: &'static str, total: u64) -> Bar {
        self.with(what, total, "{msg:>12} {wide_bar} {human_pos}/{human_len} {eta}")
    }

    /// Returns a bar over `total` bytes, labeled `what`.
    #[must_use]
    pub fn bytes(self, what: &'static str, total: u64) -> Bar {
        self.with(what, total, "{msg:>12} {wide_bar} {bytes}/{total_bytes} {eta}")
    }

    fn with(self, what: &'static str, total: u64, template: &str) -> Bar {
        let target = match self {
            Self::Shown => ProgressDrawTarget::stderr(),
            Self::Hidden => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_message(what);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Bar(bar)
    }
}

impl Bar {
    pub fn advance(&self, steps: u64) {
        self.0.inc(steps);
    }

    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
