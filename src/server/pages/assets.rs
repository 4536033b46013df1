//! The pages that `build.rs` builds from `web/`: each file is embedded once, compressed with gzip.

use std::io::Read as _;

use super::{escape, page};

/// An embedded file of the built pages.
pub struct Asset {
    /// The path relative to the build folder, such as `assets/explorer-Bx3k.js`.
    pub path: &'static str,
    /// The content, compressed with gzip.
    pub gzip: &'static [u8],
}

/// The result of the build.
struct Built {
    files: &'static [Asset],
    /// Why the build produced no files; empty if `files` is not empty.
    missing: &'static str,
}

static BUILT: Built = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

impl Asset {
    /// Returns the file with the given path, or `None`.
    pub fn find(path: &str) -> Option<&'static Self> {
        BUILT.files.iter().find(|asset| asset.path == path)
    }

    /// The path of the script of the documents, if it was built.
    pub fn script_of_documents() -> Option<&'static str> {
        let is_script = |asset: &&Self| {
            asset.path.starts_with("assets/main-") && asset.media_type() == "text/javascript; charset=utf-8"
        };
        BUILT.files.iter().find(is_script).map(|asset| asset.path)
    }

    /// The media type, derived from the file name extension; `application/octet-stream` if the extension is unknown.
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

    /// The decompressed content, for clients that do not accept gzip. The compressed data comes from the build only and
    /// contains no data of a request.
    ///
    /// # Errors
    /// [`std::io::Error`] if the embedded gzip data is corrupt.
    pub fn plain(&self) -> std::io::Result<Vec<u8>> {
        let mut content = Vec::new();
        flate2::read::GzDecoder::new(self.gzip).read_to_end(&mut content)?;
        Ok(content)
    }
}

/// The reason why this binary contains no pages; `None` if it contains them.
pub fn missing() -> Option<&'static str> {
    BUILT.files.is_empty().then_some(BUILT.missing)
}

/// The page that is served instead of a page that was not built; `why` is escaped.
pub fn how_to_build(name: &str, why: &str) -> String {
    let main = format!(
        "<h1>This binary does not contain the {}</h1>
<p>The page is built from <code>web/</code> at compile time. The build requires Node 20.19, or 22.12 or newer, and npm.
The page was not built: {}.</p>
<p>Install Node and npm, then run in the project folder:</p>
<pre tabindex=\"0\"><code>touch build.rs
cargo build --release</code></pre>
<p>All other routes work: the API at <code>/graphql</code> and the <a href=\"/docs\">documentation</a>.</p>",
        name.to_lowercase(),
        escape(why)
    );
    page(name, name, &main)
}
