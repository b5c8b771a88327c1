package visitor

// MaxKeys is how many clients are told apart.
const MaxKeys = maxKeys

// Keys is how many are.
func (l *Limit) Keys() int { return l.keys.Len() }
