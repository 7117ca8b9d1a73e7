-- What both sample data sets share. Runs in a throw-away session before them.
-- Variables from outside: scale, day, first_day, start (first_day at midnight, UTC).

-- The same number between 0 and 1 for the same thing, always: md5 does not change with versions.
CREATE MACRO u(thing, salt) AS ((md5_number_lower(concat(thing, ':', salt)) >> 11)::DOUBLE / 9007199254740992.0);
CREATE MACRO pick(choices, thing, salt) AS choices[1 + floor(u(thing, salt) * len(choices))::INTEGER];
-- A point in time, given in days since the start.
CREATE MACRO moment(days) AS date_trunc('second', getvariable('start') + to_microseconds((days * 86400000000)::BIGINT));
-- The day on which something first happens that happens with this chance every day, from the first day on.
CREATE MACRO happens_on(thing, salt, chance) AS 1 + floor(ln(1 - u(thing, salt)) / ln(1 - chance))::BIGINT;
CREATE MACRO ascii(words) AS regexp_replace(lower(strip_accents(words)), '[^a-z0-9]+', '', 'g');

SET VARIABLE first_names = [
    'Ada', 'Aisha', 'Alejandro', 'Amara', 'Amelia', 'Andre', 'Anika', 'Anton', 'Astrid', 'Ava', 'Benjamin', 'Bianca',
    'Camille', 'Carlos', 'Chen', 'Chloe', 'Daniel', 'Daria', 'David', 'Elena', 'Elias', 'Emily', 'Emre', 'Ethan',
    'Farah', 'Felix', 'Fiona', 'Gabriel', 'Grace', 'Hana', 'Hannah', 'Hugo', 'Imani', 'Ines', 'Isaac', 'Ivy', 'Jack',
    'Jamal', 'Jana', 'José', 'Julia', 'Kai', 'Kenji', 'Lars', 'Layla', 'Leo', 'Lina', 'Lucas', 'Luz', 'Mai', 'Marcus',
    'Maya', 'Mia', 'Milan', 'Naomi', 'Nia', 'Noah', 'Nora', 'Oliver', 'Omar', 'Owen', 'Priya', 'Quinn', 'Rafael',
    'Ravi', 'Rosa', 'Ruth', 'Samir', 'Sara', 'Selma', 'Simone', 'Sofia', 'Søren', 'Tariq', 'Thea', 'Tomás', 'Uma',
    'Valentina', 'Victor', 'Wei', 'Yara', 'Yusuf', 'Zoë', 'Łukasz'
];
SET VARIABLE last_names = [
    'Abbott', 'Adeyemi', 'Ahmed', 'Alvarez', 'Andersen', 'Bailey', 'Banerjee', 'Becker', 'Bennett', 'Brooks', 'Castillo',
    'Chang', 'Clarke', 'Cohen', 'Costa', 'Cruz', 'Das', 'Delgado', 'Diaz', 'Dubois', 'Edwards', 'Eriksson', 'Evans',
    'Ferreira', 'Fischer', 'Flores', 'Foster', 'Garcia', 'Gomez', 'Gupta', 'Haddad', 'Hansen', 'Harris', 'Hernández',
    'Hoffman', 'Hughes', 'Ibrahim', 'Ito', 'Jackson', 'Jensen', 'Johnson', 'Kaya', 'Kelly', 'Khan', 'Kim', 'Kowalska',
    'Kumar', 'Larsen', 'Lee', 'Levy', 'Lopez', 'Martin', 'Mehta', 'Meyer', 'Mitchell', 'Moreau', 'Morgan', 'Müller',
    'Murphy', 'Nakamura', 'Nguyễn', 'Novák', 'O''Brien', 'Okafor', 'Olsen', 'Ortiz', 'Park', 'Patel', 'Pereira', 'Perez',
    'Petrov', 'Ramirez', 'Reed', 'Rossi', 'Ruiz', 'Russo', 'Sanchez', 'Sato', 'Schmidt', 'Silva', 'Singh', 'Smith',
    'Sousa', 'Stewart', 'Suzuki', 'Tanaka', 'Taylor', 'Thompson', 'Torres', 'Turner', 'Vargas', 'Walker', 'Wang',
    'Weber', 'White', 'Williams', 'Wilson', 'Wright', 'Yilmaz', 'Young'
];
