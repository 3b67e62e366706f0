-- Accounts and a journal, as a sound ledger on PostgreSQL has them. A transfer is one call of one
-- function: two updates, the payer's on condition, in the order of the ids so that no two transfers
-- deadlock, and one line in the journal. The same as single statements between BEGIN and COMMIT
-- costs a round trip each; so this is the stronger peer.
CREATE TABLE account (
    id bigint PRIMARY KEY,
    balance bigint NOT NULL CHECK (balance >= 0)
) WITH (fillfactor = 50);  -- room on the page for a row's next version: no index is touched

CREATE TABLE journal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payer bigint NOT NULL,
    payee bigint NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION transfer(payer bigint, payee bigint, amount bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    line bigint;
BEGIN
    IF payer > payee THEN
        UPDATE account SET balance = balance + amount WHERE account.id = payee;
    END IF;
    UPDATE account SET balance = balance - amount WHERE account.id = payer AND balance >= amount;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'insufficient funds';
    END IF;
    IF payer < payee THEN
        UPDATE account SET balance = balance + amount WHERE account.id = payee;
    END IF;
    INSERT INTO journal (payer, payee, amount) VALUES (payer, payee, amount) RETURNING id INTO line;
    RETURN line;
END $$;

-- What a transfer must never leave behind: accounts whose balance is not what the journal says,
-- and lines in all.
CREATE FUNCTION audit(opening bigint, OUT wrong bigint, OUT lines bigint)
LANGUAGE sql AS $$
    WITH moved AS (
        SELECT id, sum(amount) AS amount FROM (
            SELECT payer AS id, -amount AS amount FROM journal
            UNION ALL SELECT payee, amount FROM journal
        ) AS leg GROUP BY id
    )
    SELECT count(*) FILTER (WHERE balance <> opening + coalesce(moved.amount, 0)),
           (SELECT count(*) FROM journal)
    FROM account LEFT JOIN moved USING (id)
$$;
