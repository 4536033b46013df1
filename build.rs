//! Builds the pages of `web/` and embeds them through `src/server/pages/assets.rs`.
//!
//! The pages are optional: without Node, or without access to a package registry, the binary is built without them, and
//! their paths say why they are missing. `WEB=off` skips them; `WEB=required` makes a failure to build them an error,
//! as `./check` does.

use std::{
    env,
    error::Error,
    ffi::OsStr,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

/// The sources of the pages, relative to `web/`.
const SOURCES: [&str; 8] = [
    "index.html",
    "portrait.html",
    "package.json",
    "package-lock.json",
    ".npmrc",
    "tsconfig.json",
    "vite.config.ts",
    "src",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=WEB");
    println!("cargo::rerun-if-changed=build.rs");
    for source in SOURCES {
        println!("cargo::rerun-if-changed=web/{source}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo did not set OUT_DIR")?);
    let wanted = env::var_os("WEB").unwrap_or_default();
    let built = match wanted.to_str() {
        Some("" | "required") => build(&out),
        Some("off") => Err("the binary was built with WEB=off".into()),
        _ => return Err("WEB must be off, required, or not set".into()),
    };
    let (files, missing) = match built {
        Ok(files) => (files, String::new()),
        Err(why) if wanted == "required" => return Err(format!("the pages of web/ cannot be built: {why}").into()),
        Err(why) => {
            println!("cargo::warning=the binary is built without pages: {why}");
            ("&[]".to_owned(), why.to_string())
        }
    };
    fs::write(out.join("assets.rs"), format!("Built {{ files: {files}, missing: {missing:?} }}"))?;
    Ok(())
}

/// Runs the build and returns its files as the source text of a Rust array.
fn build(out: &Path) -> Result<String, Box<dyn Error>> {
    require_node()?;
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    // Builds into different target folders share the installed packages, so one of them waits. The lock is released
    // when the build ends.
    let lock = fs::File::create(web.join(".lock"))?;
    lock.lock()?;
    if installed_at(&web) < changed_at(&web.join("package-lock.json")) {
        // `--ignore-scripts`: no package may run its own code while it is installed.
        let timeouts = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000"];
        run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).args(timeouts), &web)?;
    }
    let built = out.join("web");
    let vite = ["node_modules/vite/bin/vite.js", "build", "--logLevel=error", "--emptyOutDir", "--outDir"];
    run(Command::new("node").args(vite).arg(&built), &web)?;
    let mut files = Vec::new();
    list(&built, &mut files)?;
    files.sort();
    let mut array = String::from("&[");
    for file in files {
        let name = file.strip_prefix(&built)?.with_extension("");
        let name = name.to_str().ok_or("a file name is not UTF-8")?.replace('\\', "/");
        let file = file.to_str().ok_or("a file name is not UTF-8")?;
        write!(array, "Asset {{ path: {name:?}, gzip: include_bytes!({file:?}) }}, ")?;
    }
    Ok(array + "]")
}

/// Whether Vite supports this version of Node (its `engines`: ^20.19 or >= 22.12).
fn is_new_enough((major, minor): (u32, u32)) -> bool {
    (major == 20 && minor >= 19) || (major == 22 && minor >= 12) || major > 22
}

fn require_node() -> Result<(), Box<dyn Error>> {
    let version = run(Command::new("node").arg("--version"), Path::new("."))?;
    let mut numbers = version.trim().trim_start_matches('v').split('.').map(str::parse);
    let version = (numbers.next().unwrap_or(Ok(0))?, numbers.next().unwrap_or(Ok(0))?);
    if is_new_enough(version) { Ok(()) } else { Err("Node 20.19 or 22.12 or newer is needed".into()) }
}

/// The time at which the packages were installed. npm writes this file last.
fn installed_at(web: &Path) -> Option<SystemTime> {
    changed_at(&web.join("node_modules/.package-lock.json"))
}

fn changed_at(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|file| file.modified()).ok()
}

/// Runs a command to completion and returns its standard output.
fn run(command: &mut Command, folder: &Path) -> Result<String, Box<dyn Error>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.current_dir(folder).output().map_err(|error| format!("{name} cannot be run ({error})"))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    // A warning of cargo is a single line, so the lines are joined.
    let text: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Err(format!("{name} failed: {}", text.join(" / ").chars().take(1_000).collect::<String>()).into())
}

/// Adds the compressed files below a folder to `files`, recursively.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension() == Some(OsStr::new("gz")) {
            files.push(path);
        }
    }
    Ok(())
}
