-- One row: whose store this is, what proves a master key, and the number of changes so far.
CREATE TABLE kms_meta (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    store_id BYTEA NOT NULL,
    canary BYTEA NOT NULL,
    change BIGINT NOT NULL
);

-- Rows are written, never deleted, and carry the number of the change that wrote them last: a reader asks for what is
-- newer than what it has.
CREATE TABLE kms_key (
    kind TEXT NOT NULL,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    scheme TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    change BIGINT NOT NULL,
    PRIMARY KEY (kind, tenant, name)
);
CREATE INDEX kms_key_change ON kms_key (change);

-- Times are milliseconds since the Unix epoch; `sealed` is empty once a retired key was erased.
CREATE TABLE kms_version (
    kind TEXT NOT NULL,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    kid TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    active_from_ms BIGINT,
    active_until_ms BIGINT,
    retired_from_ms BIGINT,
    revoked BIGINT NOT NULL,
    public_key BYTEA,
    sealed BYTEA,
    change BIGINT NOT NULL,
    PRIMARY KEY (kind, tenant, name, version),
    UNIQUE (tenant, kid),
    FOREIGN KEY (kind, tenant, name) REFERENCES kms_key (kind, tenant, name)
);
CREATE INDEX kms_version_change ON kms_version (change);
