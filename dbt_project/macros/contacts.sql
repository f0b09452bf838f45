{#- What counts as turning to us, and what does not: the words of a contact that only says thanks. -#}

{#- Words a note of thanks is made of; a text with any other word says something. English and German. -#}
{% macro words_of_thanks() -%}
    {{ return({
        'thanks': [
            'thank', 'thanks', 'thx', 'ty', 'cheers', 'danke', 'dank', 'dankeschön', 'dankeschoen', 'merci', 'grateful',
        ],
        'beside': [
            'a', 'again', 'all', 'and', 'appreciated', 'best', 'bye', 'day', 'dear', 'everyone', 'everything', 'for', 'good',
            'great', 'have', 'hello', 'help', 'helping', 'hi', 'i', 'is', 'it', 'kind', 'lot', 'many', 'me', 'much', 'my',
            'nice', 'ok', 'okay', 'perfect', 'quick', 'really', 'regards', 'reply', 'so', 'solved', 'sorting', 'sorted',
            'support', 'team', 'that', 'the', 'this', 'to', 'very', 'wonderful', 'works', 'you', 'your', 'alles', 'das', 'die',
            'euch', 'für', 'fuer', 'gelöst', 'grüße', 'grüßen', 'hallo', 'herzlichen', 'hilfe', 'ihnen', 'ihre', 'ist', 'mit',
            'nochmals', 'prima', 'schnelle', 'schönen', 'sehr', 'super', 'tag', 'und', 'vielen', 'viele', 'freundlichen',
        ],
    }) }}
{%- endmacro %}

{#- Whether a text says thanks and nothing else. A question, a figure or any word beside the lists makes it a contact: to drop
    a complaint is worse than to count a courtesy. Null without a text. -#}
{% macro is_thanks_only(text) -%}
    {{ return(adapter.dispatch('is_thanks_only', 'amends')(text)) }}
{%- endmacro %}

{% macro default__is_thanks_only(text) -%}
    {%- set words = words_of_thanks() -%}
    (
        -- Names that were taken out of a text are no words of it.
        regexp_full_match(
            regexp_replace(lower({{ text }}), '\[[a-z_]+\]', ' ', 'g'),
            '([\s.,!;:()''–-]|\b({{ (words['thanks'] + words['beside']) | join('|') }})\b)+'
        )
        and regexp_matches(lower({{ text }}), '\b({{ words['thanks'] | join('|') }})\b')
    )
{%- endmacro %}

{#- Playbooks by which we have to turn to the customer once more before the matter is settled. -#}
{% macro callback_playbooks() -%}
    ('callback')
{%- endmacro %}

{#- Playbooks by which it is decided to do nothing: the arm all others are compared with. -#}
{% macro no_action_playbooks() -%}
    ('none')
{%- endmacro %}

{#- Who may ask for an escalation. -#}
{% macro escalation_types() -%}
    {{ return(['automatic', 'manual', 'customer', 'regulator']) }}
{%- endmacro %}

{#- Key of a signal from what it was delivered as; the same hash as in int_signal. -#}
{% macro signal_key(source, entity, source_key) -%}
md5(concat_ws('|', {{ source }}, {{ entity }}, {{ source_key }}))
{%- endmacro %}
