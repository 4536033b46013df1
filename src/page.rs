//! The pages that the binary carries.

/// What this is, for somebody who opens the server's address.
pub const INDEX: &str = include_str!("page/index.html");

/// How it looks.
pub const STYLE: &str = include_str!("page/style.css");

/// The documents that the server carries, by file name.
pub const DOCS: &[(&str, &str)] = &[
    ("partner.md", include_str!("../docs/partner.md")),
    ("operator.md", include_str!("../docs/operator.md")),
    ("limits.md", include_str!("../docs/limits.md")),
    ("privacy.md", include_str!("../docs/privacy.md")),
    ("personality.md", include_str!("../docs/personality.md")),
    ("errors.md", include_str!("../docs/errors.md")),
    ("schema.graphql", include_str!("../schema.graphql")),
];
