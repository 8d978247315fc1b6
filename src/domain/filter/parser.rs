//! Tokens to an expression, by recursive descent. Every recursion is counted, so no input can exhaust the stack.

use super::ast::{Expression, Literal, Operator, Question, Test};
use super::lexer::{Keyword, Lexer, Token};
use super::{FilterError, MAX_DEPTH, MAX_TERMS};

pub(super) fn parse(text: &str) -> Result<Expression, FilterError> {
    let mut lexer = Lexer::new(text)?;
    let (token, position) = lexer.next()?;
    let mut parser = Parser { lexer, token, position, depth: 0, terms: 0 };
    if parser.token == Token::End {
        return Err(FilterError::syntax(0, "the filter is empty; expected such as role = 'student'"));
    }
    let expression = parser.disjunction()?;
    match parser.token {
        Token::End => Ok(expression),
        Token::Close => Err(FilterError::syntax(parser.position, "this `)` has no `(` before it")),
        _ => Err(parser.expected("`and`, `or` or the end of the filter")),
    }
}

struct Parser {
    lexer: Lexer,
    /// The token to look at next, and where it starts.
    token: Token,
    position: usize,
    depth: usize,
    terms: usize,
}

impl Parser {
    fn expected(&self, what: &str) -> FilterError {
        FilterError::syntax(self.position, format!("expected {what}, but found {}", self.token.describe()))
    }

    fn advance(&mut self) -> Result<Token, FilterError> {
        let (token, position) = self.lexer.next()?;
        self.position = position;
        Ok(std::mem::replace(&mut self.token, token))
    }

    fn eat(&mut self, wanted: &Token) -> Result<bool, FilterError> {
        let found = self.token == *wanted;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn eat_word(&mut self, wanted: Keyword) -> Result<bool, FilterError> {
        self.eat(&Token::Keyword(wanted))
    }

    fn disjunction(&mut self) -> Result<Expression, FilterError> {
        let mut parts = vec![self.conjunction()?];
        while self.eat_word(Keyword::Or)? {
            parts.push(self.conjunction()?);
        }
        Ok(join(parts, Expression::Any))
    }

    fn conjunction(&mut self) -> Result<Expression, FilterError> {
        let mut parts = vec![self.negation()?];
        while self.eat_word(Keyword::And)? {
            parts.push(self.negation()?);
        }
        Ok(join(parts, Expression::All))
    }

    fn negation(&mut self) -> Result<Expression, FilterError> {
        let start = self.position;
        if self.eat_word(Keyword::Not)? {
            self.deepen(start)?;
            let inner = self.negation()?;
            self.depth -= 1;
            return Ok(Expression::Not(Box::new(inner)));
        }
        if self.eat(&Token::Open)? {
            self.deepen(start)?;
            let inner = self.disjunction()?;
            if !self.eat(&Token::Close)? {
                return Err(self.expected(&format!("`and`, `or` or the `)` for the `(` at position {start}")));
            }
            self.depth -= 1;
            return Ok(inner);
        }
        self.test().map(Expression::Test)
    }

    fn deepen(&mut self, position: usize) -> Result<(), FilterError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let detail = format!("parentheses and `not` nest at most {MAX_DEPTH} deep");
            return Err(FilterError::limit(position, detail));
        }
        Ok(())
    }

    fn count_term(&mut self) -> Result<(), FilterError> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            let detail =
                format!("a filter has at most {MAX_TERMS} comparisons, each value of a list being one");
            return Err(FilterError::limit(self.position, detail));
        }
        Ok(())
    }

    fn test(&mut self) -> Result<Test, FilterError> {
        if !matches!(self.token, Token::Name(_)) {
            let hint = match self.token {
                Token::Keyword(_) => {
                    "an attribute's name (a name that is also a word of the language stands in \"\")"
                }
                _ => "an attribute's name, `not` or `(`",
            };
            return Err(self.expected(hint));
        }
        let Token::Name(attribute) = self.advance()? else {
            return Err(self.expected("an attribute's name"));
        };
        let question = self.question()?;
        Ok(Test { attribute, question })
    }

    fn question(&mut self) -> Result<Question, FilterError> {
        if self.eat_word(Keyword::Is)? {
            let negated = self.eat_word(Keyword::Not)?;
            if !self.eat_word(Keyword::Null)? {
                return Err(self.expected(if negated { "`null`" } else { "`null` or `not null`" }));
            }
            self.count_term()?;
            return Ok(Question::IsNull { negated });
        }
        if let Token::Operator(operator) = self.token {
            self.advance()?;
            let position = self.position;
            let literal = self.literal()?;
            if matches!(literal, Literal::Bool(_))
                && !matches!(operator, Operator::Equal | Operator::NotEqual)
            {
                return Err(FilterError::value(position, "true and false are compared by = and != only"));
            }
            return Ok(Question::Compare(operator, literal));
        }
        let negated = self.eat_word(Keyword::Not)?;
        if self.eat_word(Keyword::In)? {
            return Ok(Question::OneOf { negated, list: self.list()? });
        }
        if self.eat_word(Keyword::Like)? {
            return Ok(Question::Like { negated, pattern: self.pattern()? });
        }
        Err(self.expected(if negated {
            "`in` or `like`"
        } else {
            "= != < <= > >= in, not in, like, not like or is"
        }))
    }

    fn literal(&mut self) -> Result<Literal, FilterError> {
        let literal = match &self.token {
            Token::Text(text) => Literal::Text(text.clone()),
            Token::Number(number) => Literal::Number(*number),
            Token::Keyword(Keyword::True) => Literal::Bool(true),
            Token::Keyword(Keyword::False) => Literal::Bool(false),
            Token::Keyword(Keyword::Null) => {
                return Err(self.expected("a value (ask for a missing one by `is null`)"));
            }
            Token::Name(_) => return Err(self.expected("a value (text stands in single quotes)")),
            _ => return Err(self.expected("a value: 'text', a number, true or false")),
        };
        self.count_term()?;
        self.advance()?;
        Ok(literal)
    }

    fn list(&mut self) -> Result<Vec<Literal>, FilterError> {
        if !self.eat(&Token::Open)? {
            return Err(self.expected("`(` and a list of values"));
        }
        let mut list = vec![self.literal()?];
        while self.eat(&Token::Comma)? {
            let position = self.position;
            let literal = self.literal()?;
            if literal.kind() != list[0].kind() {
                let detail = format!("this list began with {}, so all of it must be {0}", list[0].kind());
                return Err(FilterError::value(position, detail));
            }
            list.push(literal);
        }
        if !self.eat(&Token::Close)? {
            return Err(self.expected("`,` or `)`"));
        }
        Ok(list)
    }

    fn pattern(&mut self) -> Result<String, FilterError> {
        let position = self.position;
        let Token::Text(pattern) = &self.token else {
            return Err(self.expected("a pattern in single quotes, such as 'x%'"));
        };
        let pattern = pattern.clone();
        let mut characters = pattern.chars();
        while let Some(c) = characters.next() {
            if c == '\\' && !matches!(characters.next(), Some('%' | '_' | '\\')) {
                let detail = r"in a like pattern a backslash stands before %, _ or another backslash";
                return Err(FilterError::value(position, detail));
            }
        }
        self.count_term()?;
        self.advance()?;
        Ok(pattern)
    }
}

fn join(mut parts: Vec<Expression>, as_list: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            as_list(parts)
        }
        None => as_list(parts),
    }
}
