"""Which functions SQL in traits may call: those that make a value of the values they are given, and of nothing else.

Whoever writes a trait may build audiences, and need not see what the source holds besides. Warehouses have functions
that run a query in a text, read files, settings and secrets, call a service, or wait. A function that is not known to
be harmless belongs into the query of the model, where those who configure the schema decide.
"""

from __future__ import annotations

from sqlglot import exp

# What sqlglot knows by name and what is more than a value of its arguments.
_REACHING = (
    exp.AIAgg, exp.AIClassify, exp.AIEmbed, exp.AIForecast, exp.AIGenerate, exp.AISimilarity, exp.AISummarizeAgg,
    exp.Apply, exp.Columns, exp.CurrentStatement, exp.DynamicIdentifier, exp.FeaturesAtTime, exp.GapFill,
    exp.GenerateBool, exp.GenerateDouble, exp.GenerateEmbedding, exp.GenerateInt, exp.GenerateTable, exp.GenerateText,
    exp.Generator, exp.MLForecast, exp.MLTranslate, exp.NextValueFor, exp.OpenJSON, exp.Predict, exp.ReadCSV,
    exp.ReadParquet, exp.Secret, exp.SessionParameter, exp.ToFile, exp.VectorSearch, exp.XMLTable,
)  # fmt: skip
# What sqlglot does not know by name, in any of the warehouses: families of functions, and single ones.
_FAMILIES = (
    "approx_", "array_", "bitmap_", "date_", "hll_", "json", "list_", "map_", "percentile_", "regexp_", "string_",
    "time_", "timestamp_",
)  # fmt: skip
_WORDS = """
    abs add_days add_hours add_minutes add_seconds add_weeks add_years age any_value anyif anylast arbitrary
    argmax argmaxif argmin argminif arraycount arrayelement arrayexists arrayfilter arrayfirst arrayjoin
    arraylast arraymap arrayslice arraysort arraystringconcat arraysum arrayuniq as_array as_boolean as_double
    as_integer as_object as_varchar assumenotnull avg_if avgif bin bit_and bit_count bit_or bit_xor bitand
    bitand_agg bitor bitor_agg bitxor bitxor_agg bool_and bool_or booland_agg boolean boolor_agg btrim
    cardinality cbrt ceil ceiling century charindex checksum chr cityhash64 clamp coalesce collect_list
    collect_set concat_ws contains convert_from convert_to cos cosine_similarity countdistinct countif crc32
    crc64 damerau_levenshtein dateadd datediff datename datepart dateserial day_name dayname dayofweek
    dayofweek_iso dayofweekiso dayofyear days days_between decade degrees digest div domain editdist3
    editdistance element_at ends_with endswith entropy eomonth epoch epoch_ms epoch_us erf every exp extractall
    farm_fingerprint favg field find_in_set first first_value floor fnv_hash format format_date format_datetime
    format_number format_time format_timestamp formatdatetime frequency from_base64 from_days from_hex
    from_unixtime fsum gcd geo_distance geometric_mean get_json_object get_path getdate greatest grouparray
    groupuniqarray hamming hamming_distance harmonic_mean has hasall hasany hash hash_agg hashtext haversine
    histogram hour hours_between ieee_divide if ifnull iif initcap instr int_div intdiv is_array is_boolean
    is_double is_finite is_inf is_infinite is_integer is_nan is_null_value is_object is_varchar isdate isfinite
    isnan isnull isnumeric iso_week iso_year isodow isoyear jaccard jaro_similarity jaro_winkler_similarity
    justify_days kurtosis last last_value lcase lcm least left len length lengthutf8 levenshtein
    levenshtein_distance listagg ln locate log10 log1p log2 lower lowerutf8 lpad ltrim mad make_date make_time
    make_timestamp make_timestamptz masklen match max_by maxif md5_number mean median millennium min_by minif
    minutes_between mod mode modulo month_name monthname months multiif multimap_agg murmur_hash negate next_day
    nextafter nfc_normalize now ntile nullif nullifzero num_nonnulls num_nulls nvl nvl2 object_agg
    object_construct object_delete object_keys object_pick oct octet_length ord overlay parse_date
    parse_datetime parse_json parse_timestamp parse_url parseint patindex percentile pi position
    positioncaseinsensitive power prefix previous_day printf product quantile_cont quantile_disc quantileexact
    quantiles quarter quote_ident quote_literal radians replaceall replaceregexpall replaceregexpone replicate
    reservoir_quantile reverse rint round round_even roundbankers row_to_json rpad rtrim safe_cast scale
    seconds_between sem sha1 sha224 sha256 sha384 sha512 sign similarity sin siphash64 size skewness slice some
    sort_array soundex split split_to_array splitbychar splitbystring sq_diff sqrt st_contains st_distance
    st_distance_sphere st_distancesphere st_dwithin st_geogpoint st_makepoint st_point st_within st_x st_y
    starts_with std stddev str str_split strcmp strftime strip_accents strip_null_value strleft strlen strpos
    strptime strright strsplit substr substring_index substringutf8 suffix sum0 sumif sumkahan svarp tan timeadd
    timediff timestamp timestampadd timestampdiff timezone to_array to_ascii to_base to_base32 to_base64
    to_boolean to_char to_date to_decimal to_double to_hex to_iso8601 to_json to_json_string to_jsonb
    to_milliseconds to_number to_numeric to_object to_text to_time to_timestamp to_unixtime to_utf8 to_varchar
    to_variant tochar todate todatetime todatetime64 todayofmonth todayofweek todecimal64 tofloat32 tofloat64
    tohour toint16 toint32 toint64 toint8 tomonday tomonth tonullable toquarter tostartofday tostartofhour
    tostartofminute tostartofmonth tostartofquarter tostartofweek tostartofyear tostring touint16 touint32
    touint64 touint8 toyear toyyyymm toyyyymmdd translate trim_array trim_scale trunc truncate try_parse_json
    try_to_boolean try_to_date try_to_decimal try_to_double try_to_number try_to_numeric try_to_time
    try_to_timestamp typeof ucase unaccent unidecode uniq uniqexact upper upperutf8 url_decode url_encode
    url_extract_host url_extract_path uuid week_iso weekday weekiso weekofyear weeks weighted_avg width_bucket
    wm_concat word_stem xxhash64 year yearofweek yearofweekiso years yearweek zeroifnull
"""
_PLAIN = frozenset(_WORDS.split())


def forbidden_in(tree: exp.Expr) -> str:
    """The first function in a tree that traits may not call, as it is written; empty where there is none."""
    for node in tree.walk():
        if isinstance(node, _REACHING):
            return node.key
        unknown = isinstance(node, exp.Anonymous | exp.AnonymousAggFunc)
        if unknown and not _is_plain(node.name.lower()):
            return str(node.name)
        if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
            return node.sql()
    return ""


def _is_plain(name: str) -> bool:
    return name in _PLAIN or name.startswith(_FAMILIES)
