//! What `build.rs` made of `web/`: each file once, compressed.

use std::io::Read as _;

use super::{escape, page};

/// A file of the built pages.
pub struct Asset {
    /// Its path below the folder of the build, such as `assets/explorer-Bx3k.js`.
    pub path: &'static str,
    /// Its content, compressed with gzip.
    pub gzip: &'static [u8],
}

/// What came out of the build.
struct Built {
    files: &'static [Asset],
    /// Why there is nothing; empty if there is something.
    missing: &'static str,
}

static BUILT: Built = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

impl Asset {
    /// The file of a path.
    pub fn find(path: &str) -> Option<&'static Self> {
        BUILT.files.iter().find(|asset| asset.path == path)
    }

    /// What it is, by its name.
    pub fn media_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "woff2" => "font/woff2",
            "ttf" => "font/ttf",
            "svg" => "image/svg+xml",
            _ => "application/octet-stream",
        }
    }

    /// Its content as it is, for whoever cannot read gzip. It was compressed by the build: nothing of a request goes in.
    ///
    /// # Errors
    /// The build's file is broken.
    pub fn plain(&self) -> std::io::Result<Vec<u8>> {
        let mut content = Vec::new();
        flate2::read::GzDecoder::new(self.gzip).read_to_end(&mut content)?;
        Ok(content)
    }
}

/// Why the pages are not in this binary, if they are not.
pub fn missing() -> Option<&'static str> {
    BUILT.files.is_empty().then_some(BUILT.missing)
}

/// What stands in their place.
pub fn how_to_build(name: &str, why: &str) -> String {
    let main = format!(
        "<h1>The {} is not in this binary</h1>
<p>It is built from <code>web/</code> when the program is compiled on a machine with Node 20.19, or 22.12 or newer, and npm.
This time it was not: {}.</p>
<p>Install Node and npm, then, in the folder of the project:</p>
<pre tabindex=\"0\"><code>touch build.rs
cargo build --release</code></pre>
<p>Everything else works: <code>/graphql</code> answers, and <a href=\"/docs\">the documents</a> are here.</p>",
        name.to_lowercase(),
        escape(why)
    );
    page(name, name, &main)
}
