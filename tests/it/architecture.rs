//! The rules of `ARCHITECTURE.md` that a program can check: the order of the layers, the size of files and functions,
//! the length of lines, and the dictionary of names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The layers of `src/`, highest first. A layer may use only itself and the layers below it.
const LAYERS: [&str; 11] =
    ["cli", "server", "graphql", "gate", "catalog", "statistics", "engine", "ingest", "privacy", "storage", "domain"];

/// Maximum lines of a file of `src/`, without its unit tests.
const MAX_FILE_LINES: usize = 400;
/// Maximum lines of a function of `src/`.
const MAX_FUNCTION_LINES: usize = 75;
/// Maximum length of a line, in characters.
const MAX_COLUMNS: usize = 120;

/// A module path below `crate`.
type ModulePath = Vec<String>;

/// A source file with its tokens.
struct Source {
    path: PathBuf,
    module: ModulePath,
    text: String,
    tokens: TokenStream,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder of the repository with one of these endings, without build results.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if !["node_modules", "target", "dist", "data", "__pycache__"].contains(&name) && !name.starts_with('.')
                {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn sources() -> Vec<Source> {
    let source = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let tokens = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut module: ModulePath = path
            .strip_prefix(root().join("src"))
            .unwrap()
            .with_extension("")
            .iter()
            .map(|part| part.to_str().unwrap().to_owned())
            .collect();
        module.pop_if(|name| ["mod", "lib", "main"].contains(&name.as_str()));
        Source { path, module, text, tokens }
    };
    files("src", &[".rs"]).into_iter().map(source).collect()
}

/// The paths that a token stream mentions, resolved from the module that contains it: `crate::`, `super::` and
/// `self::`, also in `use` trees, macros and inline modules.
fn mentioned(tokens: &TokenStream, module: &[String], found: &mut BTreeSet<ModulePath>) {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(word) if *word == "mod" => {
                if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                    (tokens.get(at + 1), tokens.get(at + 2))
                {
                    let inner: ModulePath = module.iter().cloned().chain([name.to_string()]).collect();
                    mentioned(&body.stream(), &inner, found);
                    at += 3;
                    continue;
                }
            }
            TokenTree::Ident(word) if *word == "crate" || *word == "super" || *word == "self" => {
                let is_path = is_separator(&tokens, at + 1);
                let is_continued = at >= 2 && is_separator(&tokens, at - 2);
                if is_path && !is_continued {
                    let mut base = module.to_vec();
                    match word.to_string().as_str() {
                        "crate" => base.clear(),
                        "super" => drop(base.pop()),
                        _ => {}
                    }
                    at = expand(&tokens, at + 3, base, found);
                    continue;
                }
            }
            TokenTree::Group(group) => mentioned(&group.stream(), module, found),
            _ => {}
        }
        at += 1;
    }
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    let is_colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    is_colon(at) && is_colon(at + 1)
}

/// Adds the paths that continue `base` at a position, and returns the position after them.
fn expand(tokens: &[TokenTree], mut at: usize, mut base: ModulePath, found: &mut BTreeSet<ModulePath>) -> usize {
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(name)) => {
                if *name == "super" {
                    base.pop();
                } else if *name != "self" {
                    base.push(name.to_string());
                }
                if !is_separator(tokens, at + 1) {
                    found.insert(base);
                    return at + 1;
                }
                at += 3;
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
                for item in inner.split(is_comma).filter(|item| !item.is_empty()) {
                    expand(item, 0, base.clone(), found);
                }
                return at + 1;
            }
            _ => {
                found.insert(base);
                return at + 1;
            }
        }
    }
}

/// Every mention of a path of this crate: the file, its module, and the path.
fn edges(sources: &[Source]) -> Vec<(String, ModulePath, ModulePath)> {
    let mut edges = Vec::new();
    for source in sources {
        let mut found = BTreeSet::new();
        mentioned(&source.tokens, &source.module, &mut found);
        let of = |to| (relative(&source.path), source.module.clone(), to);
        edges.extend(found.into_iter().map(of));
    }
    edges
}

fn rank(layer: &str) -> usize {
    LAYERS.iter().position(|known| *known == layer).unwrap_or_else(|| panic!("{layer} is not in LAYERS"))
}

/// The edges that go up.
fn upward(edges: &[(String, ModulePath, ModulePath)]) -> Vec<String> {
    let mut upward = BTreeSet::new();
    for (file, from, to) in edges {
        // The root of the crate is above all layers.
        let (Some(from), Some(to)) = (from.first(), to.first()) else { continue };
        if rank(to) < rank(from) {
            upward.insert(format!("{file}: {from} uses {to}"));
        }
    }
    upward.into_iter().collect()
}

/// What the `mod.rs` of each layer re-exports: (layer, name) to the module that defines it.
fn re_exports(sources: &[Source]) -> BTreeMap<(String, String), String> {
    let mut names = BTreeMap::new();
    for source in sources.iter().filter(|source| source.module.len() == 1) {
        let tokens: Vec<TokenTree> = source.tokens.clone().into_iter().collect();
        for at in 0..tokens.len() {
            let is_use = matches!(&tokens[at], TokenTree::Ident(word) if *word == "use");
            let is_public = at > 0 && matches!(&tokens[at - 1], TokenTree::Ident(word) if *word == "pub");
            if is_use && is_public {
                let mut found = BTreeSet::new();
                expand(&tokens, at + 1, Vec::new(), &mut found);
                for path in found {
                    if let [module, .., name] = &path[..] {
                        names.insert((source.module[0].clone(), name.clone()), module.clone());
                    }
                }
            }
        }
    }
    names
}

/// A cycle of modules, if there is one: each uses the next, and the last uses the first. Modules are the direct
/// children of layers; files of a folder inside a layer count as one.
fn cycle(sources: &[Source], edges: &[(String, ModulePath, ModulePath)]) -> Option<Vec<String>> {
    let names = re_exports(sources);
    let modules: BTreeSet<ModulePath> =
        sources.iter().filter(|source| source.module.len() >= 2).map(|source| source.module[..2].to_vec()).collect();
    let node = |path: &[String]| -> Option<ModulePath> {
        let [layer, child, ..] = path else { return None };
        let child = names.get(&(layer.clone(), child.clone())).unwrap_or(child);
        let node = vec![layer.clone(), child.clone()];
        modules.contains(&node).then_some(node)
    };
    let mut graph: BTreeMap<ModulePath, BTreeSet<ModulePath>> = BTreeMap::new();
    for (_, from, to) in edges {
        if let (Some(from), Some(to)) = (node(from), node(to))
            && from != to
        {
            graph.entry(from).or_default().insert(to);
        }
    }
    let mut done = BTreeSet::new();
    for start in graph.keys() {
        let mut path = Vec::new();
        if let Some(cycle) = visit(start, &graph, &mut path, &mut done) {
            return Some(cycle.iter().map(|module| module.join("::")).collect());
        }
    }
    None
}

fn visit(
    module: &ModulePath,
    graph: &BTreeMap<ModulePath, BTreeSet<ModulePath>>,
    path: &mut Vec<ModulePath>,
    done: &mut BTreeSet<ModulePath>,
) -> Option<Vec<ModulePath>> {
    if let Some(start) = path.iter().position(|known| known == module) {
        return Some(path[start..].to_vec());
    }
    if !done.contains(module) {
        path.push(module.clone());
        for next in graph.get(module).into_iter().flatten() {
            if let Some(cycle) = visit(next, graph, path, done) {
                return Some(cycle);
            }
        }
        path.pop();
        done.insert(module.clone());
    }
    None
}

#[test]
fn layers_use_only_the_layers_below_them() {
    let sources = sources();
    let layers: BTreeSet<&str> =
        sources.iter().filter_map(|source| source.module.first()).map(String::as_str).collect();
    assert_eq!(layers, BTreeSet::from(LAYERS), "the folders of src/ are the layers");
    let edges = edges(&sources);
    assert!(edges.len() > 500, "only {} mentions were found", edges.len());
    assert_eq!(upward(&edges), Vec::<String>::new());
    assert_eq!(cycle(&sources, &edges), None);
}

/// The test above can fail: an upward edge and a cycle are found in each form in which Rust can write them.
#[test]
fn an_upward_edge_and_a_cycle_are_found() {
    let source = |module: &[&str], text: &str| Source {
        path: PathBuf::from(module.join("/")),
        module: module.iter().map(|name| (*name).to_owned()).collect(),
        text: text.to_owned(),
        tokens: text.parse().unwrap(),
    };
    for text in [
        "use crate::server::state::AppState;",
        "use crate::{domain::error::Error, server::state};",
        "fn f() { let x = vec![crate::server::state::WORKERS]; }",
        "use super::super::server::state;",
        "mod inner { use super::super::super::server::state; }",
        "fn f(state: crate::server::AppState) {}",
    ] {
        let found = upward(&edges(&[source(&["gate", "quota"], text)]));
        assert_eq!(found, ["gate/quota: gate uses server"], "{text}");
    }
    let sources = [
        source(&["gate"], "pub use quota::Quota;"),
        source(&["gate", "quota"], "use super::auth::Key;"),
        source(&["gate", "auth"], "use super::Quota;"),
    ];
    assert_eq!(cycle(&sources, &edges(&sources)), Some(vec!["gate::auth".to_owned(), "gate::quota".to_owned()]));
    assert_eq!(cycle(&sources[..2], &edges(&sources[..2])), None);
}

#[test]
fn files_and_functions_are_short() {
    let mut long = Vec::new();
    for source in sources() {
        let lines = source.text.lines().take_while(|line| *line != "#[cfg(test)]").count();
        if lines > MAX_FILE_LINES {
            long.push(format!("{}: {lines} lines without tests", relative(&source.path)));
        }
        let mut functions = Vec::new();
        function_lines(&source.tokens, &mut functions);
        let too_long = functions.into_iter().filter(|(_, lines)| *lines > MAX_FUNCTION_LINES);
        long.extend(too_long.map(|(name, lines)| format!("{}: {name} has {lines} lines", relative(&source.path))));
    }
    assert_eq!(long, Vec::<String>::new());
}

/// The functions of a token stream with their numbers of lines.
fn function_lines(tokens: &TokenStream, found: &mut Vec<(String, usize)>) {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        if let (TokenTree::Ident(word), Some(TokenTree::Ident(name))) = (token, tokens.get(at + 1))
            && *word == "fn"
        {
            let body = tokens[at..].iter().find_map(|token| match token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group),
                _ => None,
            });
            if let Some(body) = body {
                found.push((name.to_string(), body.span_close().end().line - word.span().start().line + 1));
            }
        }
        if let TokenTree::Group(group) = token {
            function_lines(&group.stream(), found);
        }
    }
}

#[test]
fn lines_end_at_120_columns() {
    let folders = ["src", "crates", "tests", "examples", "fuzz", "web/src"];
    let endings = [".rs", ".ts", ".tsx", ".mjs", ".py", ".css"];
    let mut long = Vec::new();
    for path in folders.iter().flat_map(|folder| files(folder, &endings)) {
        for (number, line) in (1..).zip(fs::read_to_string(&path).unwrap().lines()) {
            let columns = line.chars().count();
            // A message in an inline snapshot is one line.
            if columns > MAX_COLUMNS && !line.trim_start().starts_with("\"message\": ") {
                long.push(format!("{}:{number}: {columns} columns", relative(&path)));
            }
        }
    }
    assert_eq!(long, Vec::<String>::new());
}

/// Names that the project does not use, with the term that it uses instead.
const NAMES: &[(&str, &str)] = &[
    ("Desk", "ReleaseService"),
    ("Places", "InFlightLimiter"),
    ("Lately", "RefusalCache"),
    ("Given", "AppDependencies"),
    ("Open", "RequestLogHandle"),
    ("mu", "microunits"),
    ("BELIEVED", "CACHE_TTL"),
    ("MOST", "MAX_..."),
    ("LONGEST", "MAX_..."),
    ("PATIENCE", "..._TIMEOUT"),
    ("patience", "timeout"),
    ("letters", "chars, bytes or characters"),
    ("Shelf", "RankedCatalog"),
    ("Shelves", "CatalogCache"),
    ("shelf", "catalog"),
    ("Bulk", "insert_all"),
    ("words", "terms or vocabulary"),
    ("forget", "erase or erasure"),
    ("rollup", "epoch_builder or summary"),
    ("issue", "key_admin"),
    ("Needs", "RequireScope"),
    ("rehearsal", "decoy write"),
    ("Wanted", "pending release or request"),
    ("Due", "pending release"),
    ("looks", "viewed"),
    ("drawn", "charged or samples"),
    ("Sight", "minimum difference"),
    ("too_near", "minimum difference"),
    ("beside", "comparison_only"),
    ("Bill", "CostEstimate"),
    ("bill", "cost or estimate"),
    ("Costly", "CostExceeded"),
    ("Refused", "LimitExceeded"),
    ("Refusal", "LimitExceeded"),
    ("Shape", "SchemaIndex"),
    ("Checker", "Validator"),
    ("Unexecuted", "ValidateOnly"),
    ("Normal", "NormalizedOperation"),
    ("Selected", "NormalizedField"),
];

/// Names that are allowed in some files: name, start of the path, reason.
const ALLOWED_NAMES: &[(&str, &str, &str)] = &[
    ("letters", "crates/personality-math/", "a braid is a word, whose generators are its letters (Artin 1947)"),
    ("letters", "src/graphql/", "the letters of a braid word"),
    ("letters", "tests/it/personality.rs", "the letters of a braid word"),
    ("words", "src/cli/epoch.rs", "the flag `--words` is part of the command line"),
];

/// Phrases that neither the documents nor the code use, in lower case, with the term that they use instead.
const PHRASES: &[(&str, &str)] = &[
    ("people who do not exist", "synthetic people"),
    ("not told", "withheld"),
    ("too near", "overlapping segments"),
    ("rehears", "decoy write"),
    ("what may be learned", "privacy budget"),
    ("was learned", "privacy budget for this period is used up"),
    ("publication line", "publication threshold"),
    ("moved to the edge", "clamped to the range"),
    ("they never see a person", "aggregate questions under differential privacy"),
    ("holds itself", "forms a cycle"),
    ("of ours", "is not a valid ..."),
    ("does not go here", "Method not allowed"),
    ("stands twice", "contains a duplicate value"),
    ("whoever", "a standard subject"),
    ("anew", "again"),
];

/// Lines that may contain a phrase: part of the line, reason.
const ALLOWED_LINES: &[(&str, &str)] = &[
    ("privacy_rehearsals", "the name of a table; released migrations never change"),
    ("(\"", "the list of phrases itself"),
];

#[test]
fn names_and_phrases_follow_the_dictionary() {
    let mut found = Vec::new();
    for path in ["src", "crates", "tests", "examples", "fuzz"].iter().flat_map(|folder| files(folder, &[".rs"])) {
        let name = relative(&path);
        let mut identifiers = BTreeSet::new();
        collect_identifiers(&fs::read_to_string(&path).unwrap().parse().unwrap(), &mut identifiers);
        for identifier in identifiers {
            let is_allowed =
                ALLOWED_NAMES.iter().any(|(allowed, start, _)| *allowed == identifier && name.starts_with(start));
            if let Some(instead) = replacement(&identifier).filter(|_| !is_allowed) {
                found.push(format!("{name}: {identifier}; use {instead}"));
            }
        }
    }
    let endings = [".rs", ".md", ".ts", ".tsx", ".mjs", ".py", ".html", ".graphql"];
    let folders = ["src", "crates", "tests", "examples", "docs", "web/src"];
    let files = folders.iter().flat_map(|folder| files(folder, &endings));
    let at_root = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "schema.graphql"];
    for path in files.chain(at_root.iter().map(|file| root().join(file))) {
        for (number, line) in (1..).zip(fs::read_to_string(&path).unwrap().lines()) {
            let lower = line.to_lowercase();
            for (phrase, instead) in PHRASES.iter().filter(|(phrase, _)| contains_words(&lower, phrase)) {
                if !ALLOWED_LINES.iter().any(|(part, _)| line.contains(part)) {
                    found.push(format!("{}:{number}: {phrase:?}; use {instead}", relative(&path)));
                }
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

fn collect_identifiers(tokens: &TokenStream, found: &mut BTreeSet<String>) {
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(name) => drop(found.insert(name.to_string())),
            TokenTree::Group(group) => collect_identifiers(&group.stream(), found),
            _ => {}
        }
    }
}

/// What to use instead of an identifier that the dictionary excludes.
fn replacement(identifier: &str) -> Option<&'static str> {
    let listed = NAMES.iter().find(|(name, _)| *name == identifier).map(|(_, instead)| *instead);
    listed.or_else(|| match identifier {
        name if name.ends_with("_mu") || name.ends_with("_MU") => Some("..._microunits"),
        name if name.starts_with("MOST_") || name.starts_with("LONGEST_") => Some("MAX_..."),
        name if name.ends_with("_LINE") => Some("..._THRESHOLD"),
        name if name.contains("rehears") => Some("decoy write"),
        _ => None,
    })
}

/// Whether a line contains a phrase that begins at the start of a word.
fn contains_words(line: &str, phrase: &str) -> bool {
    line.match_indices(phrase).any(|(at, _)| !line[..at].ends_with(char::is_alphanumeric))
}

/// Every file that a document of the repository names exists.
#[test]
fn paths_in_documents_exist() {
    let mut missing = Vec::new();
    let at_root = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"].map(|file| root().join(file));
    for path in at_root.into_iter().chain(files("docs", &[".md"])) {
        let text = fs::read_to_string(&path).unwrap();
        for quoted in text.split('`').skip(1).step_by(2) {
            let is_path = ["src/", "crates/", "tests/", "migration/", "examples/", "fuzz/", "docs/"]
                .iter()
                .any(|start| quoted.starts_with(start));
            let is_name = quoted.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            // `web/` has its own `src/`.
            let exists = root().join(quoted).exists() || root().join("web").join(quoted).exists();
            if is_path && is_name && !exists {
                missing.push(format!("{}: {quoted}", relative(&path)));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}
